// What SvelteKit lets an app declare about itself. Codex has no server part in
// SvelteKit, so only the shape of errors matters.
declare global {
  namespace App {
    interface Error {
      message: string;
    }
  }
}

export {};
