import { createAuthClient } from 'better-auth/svelte';
import { Refusal, fromAnswer } from './refusal';

/** auth is the official better-auth client, at this origin's /api/auth. */
export const auth = createAuthClient({ basePath: '/api/auth' });

/** Session is the signed-in session with its user. */
export type Session = typeof auth.$Infer.Session;

type Answer<T> = { data: T; error: null } | { data: null; error: { status: number; code?: string; message?: string } };
type Options = { onError(context: { response: Response }): void };

/**
 * attempt makes one call of the auth client and gives its data, or throws a
 * Refusal. It hands the call options that catch the headers of a refusal, which
 * the client drops: how long to wait after a 429 stands only there.
 */
export async function attempt<T>(run: (options: Options) => Promise<Answer<T>>): Promise<T> {
  let headers: { get(name: string): string | null } = new Headers();
  const answer = await reach(() => run({ onError: (context) => void (headers = context.response.headers) }));
  if (answer.error === null) return answer.data;
  if (answer.error.status === 0) throw Refusal.offline();
  throw fromAnswer(answer.error.status, headers, answer.error);
}

async function reach<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch {
    throw Refusal.offline();
  }
}

/** refresh asks again who is signed in, and waits for the answer. */
export async function refresh(): Promise<Session | null> {
  const session = auth.useSession();
  await session.get().refetch();
  return session.get().data as Session | null;
}
