// Contract §13: several accounts in one browser.
import assert from 'node:assert/strict';
import { ok, password, refused, section } from './harness.mjs';

section('several accounts', (world) => {
	const two = async () => {
		const first = await world.person();
		const second = await world.person();
		const { browser, client } = first;
		ok(await client.signIn.email({ email: second.email, password }));
		const list = ok(await client.multiSession.listDeviceSessions());
		assert.deepEqual(list.map(({ user }) => user.email).sort(), [first.email, second.email].sort());
		const token = (email) => list.find(({ user }) => user.email === email).session.token;
		return { browser, client, first: first.email, second: second.email, token };
	};

	world.check('are listed, and one of them is active', async () => {
		const { browser, client, first, second, token } = await two();
		assert.equal((await browser.user()).email, second);
		assert.ok([...browser.cookies.keys()].some((name) => name.startsWith('better-auth.session_token_multi-')));
		assert.equal(ok(await client.multiSession.setActive({ sessionToken: token(first) })).user.email, first);
		assert.equal((await browser.user()).email, first);
		refused(await client.multiSession.setActive({ sessionToken: 'unknown' }), 401, 'INVALID_SESSION_TOKEN');
	});

	world.check('end one by one, another becomes active, and all end with signing out', async () => {
		const { browser, client, first, second, token } = await two();
		assert.deepEqual(ok(await client.multiSession.revoke({ sessionToken: token(second) })), { status: true });
		assert.equal((await browser.user()).email, first);
		refused(await client.multiSession.revoke({ sessionToken: 'unknown' }), 401, 'INVALID_SESSION_TOKEN');
		ok(await client.signIn.email({ email: second, password }));
		ok(await client.signOut());
		assert.deepEqual([...browser.cookies.keys()].filter((name) => name.startsWith('better-auth.session_token')), []);
		assert.deepEqual(ok(await client.multiSession.listDeviceSessions()), []);
	});
});
