// Contract §13: anonymous people.
import assert from 'node:assert/strict';
import { cleared, ok, password, refused, section } from './harness.mjs';

section('anonymous people', (world) => {
	world.check('come without an address, and go', async () => {
		const browser = world.visitor();
		const { token, user } = ok(await browser.client.signIn.anonymous());
		assert.deepEqual([user.name, user.isAnonymous, typeof token], ['Anonymous', true, 'string']);
		assert.match(user.email, /^[A-Za-z0-9]{32}@anonymous\.placeholder\.invalid$/);
		refused(await browser.client.signIn.anonymous(), 400, 'ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY');
		assert.deepEqual(ok(await browser.client.deleteAnonymousUser()), { success: true });
		cleared(browser);
		assert.equal(await browser.user(), null);
		const { client } = await world.person();
		refused(await client.deleteAnonymousUser(), 403, 'USER_IS_NOT_ANONYMOUS');
	});

	world.check('are gone once somebody signs in from their browser', async () => {
		const { email } = await world.person();
		const browser = world.visitor();
		const { token } = ok(await browser.client.signIn.anonymous());
		ok(await browser.client.signIn.email({ email, password }));
		assert.equal((await browser.user()).email, email);
		const left = await world.visitor().client.getSession({ fetchOptions: { headers: { authorization: `Bearer ${token}` } } });
		assert.equal(left.data, null);
	});
});
