import { browser } from '$app/environment';
import { i18n, isCode, split } from '$lib/i18n/language.svelte';
import type { LayoutLoad } from './$types';

export const prerender = 'auto';

// A prerendered page is taken over in the language it was served in, so that
// nothing jumps; the shell, which has no content yet, starts in the preferred one.
function first(url: URL) {
  if (!browser) return split(url.pathname).code;
  const served = document.documentElement.lang;
  const rendered = document.querySelector('main') !== null;
  return rendered && isCode(served) ? served : i18n.preferred();
}

let started = false;

export const load: LayoutLoad = async ({ url }) => {
  if (browser && started) return;
  started = true;
  await i18n.show(first(url));
};
