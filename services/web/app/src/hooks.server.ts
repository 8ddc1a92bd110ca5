import type { Handle } from '@sveltejs/kit';
import { split } from '$lib/i18n/codes';

// Runs while building only: there is no server part.
export const handle: Handle = ({ event, resolve }) =>
  resolve(event, {
    transformPageChunk: ({ html }) => html.replace('%codex.lang%', split(event.url.pathname).code)
  });
