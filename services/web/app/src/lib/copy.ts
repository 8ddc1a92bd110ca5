import type { Dictionary } from './i18n/en';
import { notice } from './notice.svelte';

/** copy puts a text on the clipboard and says whether it is there. */
export async function copy(text: string, t: Dictionary): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notice.show(t.profile.second.copied);
  } catch {
    notice.show(t.profile.second.notCopied);
  }
}
