// Contract §4: what people change about themselves, and the end of an account.
import assert from 'node:assert/strict';
import { address, byMail, cleared, leads, letter, link, ok, password, refused, section } from './harness.mjs';

section('a person', (world) => {
	world.check('changes name and picture, and nothing that is not theirs to change', async () => {
		const { browser, client } = await world.person();
		assert.deepEqual(ok(await client.updateUser({ name: 'Augusta Ada', image: 'https://example.test/ada.png' })), { status: true });
		assert.ok(browser.cookie('session_token'));
		let user = await browser.user();
		assert.deepEqual([user.name, user.image], ['Augusta Ada', 'https://example.test/ada.png']);
		ok(await client.updateUser({ image: null }));
		user = await browser.user();
		assert.equal(user.image, null);
		refused(await client.updateUser({ email: address() }), 400, 'EMAIL_CAN_NOT_BE_UPDATED');
		for (const field of ['role', 'emailVerified', 'banned']) refused(await client.updateUser({ [field]: 'x' }), 400, 'FIELD_NOT_ALLOWED', `${field} is not allowed to be set`);
		const nothing = await client.$fetch('/update-user', { method: 'POST', body: {} });
		assert.deepEqual([nothing.error.status, nothing.error.message], [400, 'No fields to update']);
		refused(await world.visitor().client.updateUser({ name: 'X' }), 401, 'UNAUTHORIZED');
	});

	world.check('has further members, from sign-up on', async () => {
		const plain = await world.person();
		assert.equal((await plain.browser.user()).plan, 'free');
		const { browser, client } = await world.person({ plan: 'team' });
		assert.equal((await browser.user()).plan, 'team');
		assert.deepEqual(ok(await client.updateUser({ plan: 'pro' })), { status: true });
		assert.equal((await browser.user()).plan, 'pro');
		refused(await client.updateUser({ plan: 7 }), 400, 'VALIDATION_ERROR');
	});

	world.check('changes a proven address: the old one agrees, the new one is proven', async () => {
		const { browser, client, email } = await world.proven();
		const next = address();
		assert.deepEqual(ok(await client.changeEmail({ newEmail: next, callbackURL: '/profile' })), { status: true });
		leads(await browser.open(link(await letter(email, new RegExp(next)), '/verify-email')), '/profile');
		assert.equal((await browser.user()).email, email);
		leads(await browser.open(link(await letter(next), '/verify-email')), '/profile');
		const user = await browser.user();
		assert.deepEqual([user.email, user.emailVerified], [next, true]);
		ok(await world.visitor().client.signIn.email({ email: next, password }));
	});

	world.check('is not told whether a new address is taken', async () => {
		const { client, email } = await world.proven();
		const taken = await world.person();
		assert.deepEqual(ok(await client.changeEmail({ newEmail: taken.email })), { status: true });
		assert.equal((await client.changeEmail({ newEmail: email })).error.message, 'Email is the same');
		refused(await client.changeEmail({ newEmail: 'nobody' }), 400, 'VALIDATION_ERROR');
		refused(await client.changeEmail({ newEmail: address(), callbackURL: 'https://evil.example' }), 403, 'INVALID_CALLBACK_URL');
		refused(await world.visitor().client.changeEmail({ newEmail: address() }), 401, 'UNAUTHORIZED');
	});

	world.check('ends the account', async () => {
		const { browser, client, email } = await world.person();
		refused(await client.deleteUser({ password: 'wrong-password-1' }), 400, 'INVALID_PASSWORD');
		refused(await client.deleteUser({ token: 'a'.repeat(32) }), 404, 'INVALID_TOKEN');
		refused(await world.visitor().client.deleteUser({ password }), 401, 'UNAUTHORIZED');
		if (!byMail) {
			assert.deepEqual(ok(await client.deleteUser({ password })), { success: true, message: 'User deleted' });
		} else {
			assert.deepEqual(ok(await client.deleteUser({ password, callbackURL: '/gone' })), { success: true, message: 'Verification email sent' });
			assert.ok(await browser.user());
			const mailed = link(await letter(email, /delete-user/), '/delete-user/callback');
			const eve = await world.person();
			assert.equal((await eve.browser.open(mailed)).status, 404);
			leads(await browser.open(mailed), '/gone');
		}
		cleared(browser);
		assert.equal(await browser.user(), null);
		refused(await world.visitor().client.signIn.email({ email, password }), 401, 'INVALID_EMAIL_OR_PASSWORD');
	});
});
