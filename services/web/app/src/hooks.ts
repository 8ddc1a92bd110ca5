import { building } from '$app/environment';
import { split } from '$lib/i18n/codes';

// While building, /de/sign-in is the German rendering of /sign-in. In the
// browser there is no such address: the server picks the rendering.
export const reroute = ({ url }: { url: URL }) => (building ? split(url.pathname).path : url.pathname);
