/** Bounds of a password, in characters as a person counts them. */
export const shortest = 8;
export const longest = 128;

/** characters counts code points, as the auth service does: an emoji is one. */
export const characters = (text: string) => [...text].length;

/** fault names what is wrong with a new password, or null. */
export function fault(password: string): 'missing' | 'short' | 'long' | null {
  const n = characters(password);
  if (n === 0) return 'missing';
  if (n < shortest) return 'short';
  // The contract counts UTF-16 units at the upper end; the stricter one holds.
  return password.length > longest ? 'long' : null;
}

/** looksLikeAddress is a first look; the mail that arrives is the real check. */
export const looksLikeAddress = (text: string) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text.trim());
