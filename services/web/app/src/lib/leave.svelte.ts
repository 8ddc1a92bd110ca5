import { goto } from '$app/navigation';
import { account } from './account.svelte';
import { attempt, auth, refresh } from './auth';
import { explain } from './explain';
import { i18n } from './i18n/language.svelte';
import { notice } from './notice.svelte';
import { Refusal } from './refusal';
import { uploads } from './upload/queue.svelte';

/** leaving.now is true while somebody signs out on purpose: no way back is offered then. */
export const leaving = $state({ now: false });

/** leave signs out, and forgets everything about the person. */
export async function leave(): Promise<void> {
  leaving.now = true;
  try {
    await attempt((options) => auth.signOut({ fetchOptions: options }));
    uploads.drop();
    account.forget();
    await refresh(); // the sign-in page must not meet the session that has just ended
    await goto('/sign-in', { replaceState: true });
  } catch (thrown) {
    notice.show(explain(Refusal.of(thrown), i18n.t));
  } finally {
    leaving.now = false;
  }
}
