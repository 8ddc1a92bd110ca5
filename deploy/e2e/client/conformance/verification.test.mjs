// Contract §4: proof of an address.
import assert from 'node:assert/strict';
import { address, leads, letter, link, ok, password, publicURL, refused, required, section } from './harness.mjs';

section('proof of an address', (world) => {
	world.check('is given by the mailed link, once and again', async () => {
		const browser = world.visitor();
		const email = address();
		ok(await browser.client.signUp.email({ email, password, name: 'Ada', callbackURL: '/welcome?a=b' }));
		const mailed = link(await letter(email), '/verify-email');
		leads(await browser.open(mailed), '/welcome?a=b');
		const user = await browser.user();
		assert.deepEqual([user.email, user.emailVerified], [email, true]);
		const scanner = world.visitor();
		leads(await scanner.open(mailed), '/welcome?a=b');
		assert.equal(await scanner.user(), null);
		const token = new URL(mailed).searchParams.get('token');
		assert.deepEqual(ok(await scanner.client.verifyEmail({ query: { token } })), { status: true, user: null });
		refused(await browser.client.sendVerificationEmail({ email }), 400, 'EMAIL_ALREADY_VERIFIED');
		refused(await browser.client.sendVerificationEmail({ email: address() }), 400, 'EMAIL_MISMATCH');
	});

	world.check('can be asked for again, for every address alike', async () => {
		const browser = world.visitor();
		const email = address();
		ok(await browser.client.signUp.email({ email, password, name: 'Ada' }));
		assert.deepEqual(ok(await browser.client.sendVerificationEmail({ email, callbackURL: '/done' })), { status: true });
		leads(await world.visitor().open(link(await letter(email, /done/), '/verify-email')), '/done');
		const stranger = world.visitor().client;
		assert.deepEqual(ok(await stranger.sendVerificationEmail({ email: address() })), { status: true });
		refused(await stranger.sendVerificationEmail({ email, callbackURL: 'https://evil.example' }), 403, 'INVALID_CALLBACK_URL');
		assert.equal((await browser.user()) === null, required);
	});

	world.check('is not given by a bad link', async () => {
		const browser = world.visitor();
		refused(await browser.client.verifyEmail({ query: { token: 'garbage' } }), 401, 'INVALID_TOKEN');
		leads(await browser.open(`${publicURL}/api/auth/verify-email?token=garbage&callbackURL=%2Fx%3Fy%3D1`), '/x?y=1&error=INVALID_TOKEN');
		refused(await browser.client.verifyEmail({ query: {} }), 400, 'VALIDATION_ERROR');
	});
});
