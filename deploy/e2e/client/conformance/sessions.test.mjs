// Contract §2 and §3.
import assert from 'node:assert/strict';
import { attributes, cleared, isID, ok, password, refused, section, sessionCookie } from './harness.mjs';

section('sessions', (world) => {
	world.check('a session and its person have the members of the contract', async () => {
		const { browser, client, email } = await world.person();
		const { session, user } = ok(await client.getSession());
		for (const name of ['id', 'token', 'userId', 'expiresAt', 'createdAt', 'updatedAt', 'ipAddress', 'userAgent']) assert.ok(name in session, name);
		for (const name of ['id', 'name', 'email', 'emailVerified', 'image', 'createdAt', 'updatedAt', 'twoFactorEnabled', 'role', 'banned', 'username', 'isAnonymous']) assert.ok(name in user, name);
		isID(user.id);
		assert.equal(user.email, email);
		assert.equal(session.userId, user.id);
		assert.ok(session.expiresAt instanceof Date && session.expiresAt - Date.now() > 6.9 * 86_400_000);
		assert.equal(browser.last.headers.get('cache-control'), 'no-store');
		for (const name of ['password', 'secret']) assert.equal(name in user, false);
	});

	world.check('no session is no error, and its cookies go', async () => {
		const nobody = world.visitor();
		assert.equal(ok(await nobody.client.getSession()), null);
		const { browser, client } = await world.person();
		const kept = new Map(browser.cookies);
		assert.deepEqual(ok(await client.signOut()), { success: true });
		cleared(browser);
		browser.cookies = kept;
		assert.equal(ok(await client.getSession()), null);
		cleared(browser);
		browser.cookies = new Map([[sessionCookie, 'forged.signature']]);
		assert.equal(ok(await client.getSession()), null);
		assert.deepEqual(ok(await client.signOut()), { success: true });
	});

	world.check('reading a session is not posted', async () => {
		const { client } = await world.person();
		refused(await client.$fetch('/get-session', { method: 'POST', body: {} }), 405, 'METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED');
	});

	world.check('cookies have the attributes of the contract, remembered or not', async () => {
		const { email } = await world.person();
		const browser = world.visitor();
		ok(await browser.client.signIn.email({ email, password }));
		const line = attributes(browser, 'session_token', 'Max-Age=604800', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		assert.match(line, /^better-auth\.session_token=[A-Za-z0-9]{32}\.[A-Za-z0-9%]+%3D;/);
		const short = world.visitor();
		ok(await short.client.signIn.email({ email, password, rememberMe: false }));
		attributes(short, 'session_token', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		attributes(short, 'dont_remember', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		const { session } = ok(await short.client.getSession());
		assert.ok(session.expiresAt - Date.now() < 1.1 * 86_400_000);
	});

	world.check('are listed and ended one by one', async () => {
		const { client, email } = await world.person();
		const other = await world.signedIn(email);
		const own = ok(await client.getSession()).session;
		const list = ok(await client.listSessions());
		assert.equal(list.length, 2);
		assert.ok(list.some(({ token }) => token === own.token));
		const { token } = list.find((session) => session.token !== own.token);
		const eve = await world.person();
		assert.deepEqual(ok(await eve.client.revokeSession({ token })), { status: true });
		assert.ok(await other.user());
		assert.deepEqual(ok(await client.revokeSession({ token })), { status: true });
		assert.equal(await other.user(), null);
		assert.deepEqual(ok(await client.revokeSession({ token: 'unknown' })), { status: true });
		refused(await world.visitor().client.listSessions(), 401, 'UNAUTHORIZED');
		refused(await world.visitor().client.revokeSession({ token }), 401, 'UNAUTHORIZED');
		refused(await client.$fetch('/revoke-session', { method: 'POST', body: {} }), 400, 'VALIDATION_ERROR');
	});

	world.check('have further members that their owner writes', async () => {
		const { browser, client } = await world.person();
		const { session } = ok(await client.updateSession({ theme: 'dark' }));
		assert.equal(session.theme, 'dark');
		assert.equal(ok(await client.getSession()).session.theme, 'dark');
		assert.ok(await browser.user());
		const nothing = await client.$fetch('/update-session', { method: 'POST', body: { userId: 'x' } });
		assert.deepEqual([nothing.error.status, nothing.error.message], [400, 'No fields to update']);
		refused(await client.updateSession({ theme: 7 }), 400, 'VALIDATION_ERROR');
		refused(await world.visitor().client.updateSession({ theme: 'dark' }), 401, 'UNAUTHORIZED');
	});

	world.check('end all but one, or all', async () => {
		const { browser, client, email } = await world.person();
		const other = await world.signedIn(email);
		assert.deepEqual(ok(await client.revokeOtherSessions()), { status: true });
		assert.equal(await other.user(), null);
		assert.ok(await browser.user());
		const third = await world.signedIn(email);
		assert.deepEqual(ok(await client.revokeSessions()), { status: true });
		cleared(browser);
		assert.equal(await third.user(), null);
		refused(await client.revokeOtherSessions(), 401, 'UNAUTHORIZED');
		refused(await client.revokeSessions(), 401, 'UNAUTHORIZED');
	});
});
