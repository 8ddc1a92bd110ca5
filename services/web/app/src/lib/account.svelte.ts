import { api } from './api';
import { Loaded } from './loaded.svelte';
import type { Plan, Quota } from './types';

/** What several pages show about the person who is signed in. */
class Account {
  readonly quota = new Loaded<Quota>(api.quota);
  readonly plan = new Loaded<Plan>(api.plan);

  /** limits tell what can be uploaded, null while that is not known. */
  get limits(): { file: number; free: number } | null {
    const quota = this.quota.value;
    if (quota === null) return null;
    const free = Math.max(0, quota.limit_bytes - quota.used_bytes - quota.reserved_bytes);
    return { file: quota.max_file_bytes, free };
  }

  /** forget drops everything: somebody else may sign in next. */
  forget(): void {
    this.quota.set(null);
    this.plan.set(null);
  }
}

export const account = new Account();
