/** The languages of the app; the first is the one everything falls back to. */
export const codes = ['en', 'de'] as const;
export type Code = (typeof codes)[number];

/** isCode tells whether the app speaks this language. */
export const isCode = (text: string | null | undefined): text is Code =>
  codes.includes(text as Code);

/** split takes the language prefix off a build-time address: "/de/sign-in". */
export function split(pathname: string): { code: Code; path: string } {
  const [, first, ...rest] = pathname.split('/');
  if (isCode(first) && first !== codes[0]) return { code: first, path: `/${rest.join('/')}` };
  return { code: codes[0], path: pathname };
}

/** choose gives the first wanted language that the app speaks. */
export function choose(wanted: readonly string[]): Code {
  const known = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find(isCode);
  return known ?? codes[0];
}
