// These pages are about one person; nothing of them can be rendered beforehand.
export const ssr = false;
export const prerender = false;
