import { attempt, auth } from '$lib/auth';
import { Loaded } from '$lib/loaded.svelte';

/** One place where the person is signed in. */
export type Place = {
  id: string;
  token: string;
  createdAt: Date | string;
  updatedAt: Date | string;
  ipAddress?: string | null;
  userAgent?: string | null;
};

/** sessions lists where the person is signed in. */
export const sessions = new Loaded<Place[]>(
  async () => (await attempt((options) => auth.listSessions(undefined, options))) ?? []
);

/** end signs out one place. Its token is a handle: it revokes and does nothing else. */
export const end = (place: Place) => attempt((options) => auth.revokeSession({ token: place.token }, options));

/** endOthers signs out every place but this one. */
export const endOthers = () => attempt((options) => auth.revokeOtherSessions(undefined, options));
