import type { HandleClientError } from '@sveltejs/kit';
// Imported here and not in a layout so that the shell links it too: its first
// paint already has the right colours.
import './app.css';

/** An address without a page is answered on the page; a fault is for the console. */
export const handleError: HandleClientError = ({ error, status, message }) => {
  if (status !== 404) console.error(error);
  return { message };
};
