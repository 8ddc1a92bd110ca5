const key = 'codex.pending-address';

/**
 * pendingAddress keeps the address whose mail is awaited, in this tab only: in the
 * page's address it would end up in logs.
 */
export const pendingAddress = {
  get(): string {
    try {
      return sessionStorage.getItem(key) ?? '';
    } catch {
      return '';
    }
  },
  set(address: string): void {
    try {
      sessionStorage.setItem(key, address);
    } catch {
      // Then the next page asks for it again.
    }
  },
  clear(): void {
    try {
      sessionStorage.removeItem(key);
    } catch {
      // There is nothing to forget.
    }
  }
};
