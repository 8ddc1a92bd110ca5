/**
 * localPath gives the address to go to after signing in: the wanted one when it
 * is a page of this app, else the fallback. An address on another host is never
 * followed, however it is spelled: a sign-in page that forwards anywhere serves
 * phishing.
 */
export function localPath(wanted: string | null, fallback = '/dashboard'): string {
  if (wanted === null || !wanted.startsWith('/') || wanted.startsWith('//')) return fallback;
  if (/[\\\u0000-\u0020\u007f]/.test(wanted)) return fallback; // eslint-disable-line no-control-regex -- browsers drop them and read on
  let url: URL;
  try {
    url = new URL(wanted, 'https://app.invalid');
  } catch {
    return fallback;
  }
  if (url.origin !== 'https://app.invalid' || url.pathname.startsWith('//')) return fallback;
  if (/^\/(api|webhooks|internal|\.well-known)(\/|$)/.test(url.pathname)) return fallback;
  return url.pathname + url.search + url.hash;
}

/**
 * onward gives the address to go to after the second step of signing in: sign-in
 * names it by redirect, a link of a mail or a provider by callbackURL, which may
 * be a whole address of this origin.
 */
export function onward(query: URLSearchParams, origin: string): string {
  const wanted = query.get('redirect') ?? query.get('callbackURL');
  return localPath(wanted?.startsWith(`${origin}/`) ? wanted.slice(origin.length) : wanted);
}

/** signInAddress is the sign-in page that leads back to here. */
export const signInAddress = (back: string) => `/sign-in?redirect=${encodeURIComponent(back)}`;

/** secondFactorAddress is the page that asks for the second factor and leads on to there. */
export const secondFactorAddress = (target: string) => `/two-factor?redirect=${encodeURIComponent(target)}`;

/** verifiedAddress is where the link of a confirmation mail leads in the end. */
export const verifiedAddress = '/verify?done';
