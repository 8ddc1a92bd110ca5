// Contract §11.
import assert from 'node:assert/strict';
import { address, attributes, code, ok, password, refused, section, wrongCode } from './harness.mjs';

section('e-mail codes', (world) => {
	world.check('sign in, and make somebody of a new address', async () => {
		const email = address();
		const browser = world.visitor();
		const { client } = browser;
		assert.deepEqual(ok(await client.emailOtp.sendVerificationOtp({ email, type: 'sign-in' })), { success: true });
		const otp = await code(email);
		refused(await client.emailOtp.checkVerificationOtp({ email, type: 'sign-in', otp: wrongCode(otp) }), 400, 'INVALID_OTP');
		assert.deepEqual(ok(await client.emailOtp.checkVerificationOtp({ email, type: 'sign-in', otp })), { success: true });
		const { token, user } = ok(await client.signIn.emailOtp({ email, otp, name: 'Ada' }));
		assert.deepEqual([user.email, user.emailVerified, user.name, typeof token], [email, true, 'Ada', 'string']);
		attributes(browser, 'session_token', 'Max-Age=604800', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		refused(await world.visitor().client.signIn.emailOtp({ email, otp }), 400, 'INVALID_OTP');
	});

	world.check('end after three wrong tries', async () => {
		const email = address();
		const { client } = world.visitor();
		ok(await client.emailOtp.sendVerificationOtp({ email, type: 'sign-in' }));
		const otp = await code(email);
		for (let i = 0; i < 3; i++) refused(await client.signIn.emailOtp({ email, otp: wrongCode(otp) }), 400, 'INVALID_OTP');
		refused(await client.signIn.emailOtp({ email, otp }), 403, 'TOO_MANY_ATTEMPTS');
	});

	world.check('prove an address', async () => {
		const email = address();
		const { client } = world.visitor();
		ok(await client.signUp.email({ email, password, name: 'Ada' }));
		ok(await client.emailOtp.sendVerificationOtp({ email, type: 'email-verification' }));
		const { status, user } = ok(await client.emailOtp.verifyEmail({ email, otp: await code(email) }));
		assert.deepEqual([status, user.email, user.emailVerified], [true, email, true]);
		ok(await world.visitor().client.signIn.email({ email, password }));
	});

	world.check('reset a password, by the new name and the old', async () => {
		const { browser, email } = await world.person();
		const { client } = world.visitor();
		assert.deepEqual(ok(await client.emailOtp.requestPasswordReset({ email })), { success: true });
		const otp = await code(email, /new password/i);
		refused(await client.emailOtp.resetPassword({ email, otp, password: 'short' }), 400, 'PASSWORD_TOO_SHORT');
		refused(await client.emailOtp.resetPassword({ email, otp: wrongCode(otp), password: 'second-passphrase-2' }), 400, 'INVALID_OTP');
		assert.deepEqual(ok(await client.emailOtp.resetPassword({ email, otp, password: 'second-passphrase-2' })), { success: true });
		assert.equal(await browser.user(), null);
		ok(await client.signIn.email({ email, password: 'second-passphrase-2' }));
		assert.deepEqual(ok(await client.forgetPassword.emailOtp({ email: address() })), { success: true });
	});

	world.check('change an address', async () => {
		const { browser, client, email } = await world.proven();
		const next = address();
		assert.deepEqual(ok(await client.emailOtp.requestEmailChange({ newEmail: next })), { success: true });
		const otp = await code(next);
		refused(await client.emailOtp.changeEmail({ newEmail: next, otp: wrongCode(otp) }), 400, 'INVALID_OTP');
		assert.deepEqual(ok(await client.emailOtp.changeEmail({ newEmail: next, otp })), { success: true });
		assert.equal((await browser.user()).email, next);
		refused(await world.visitor().client.signIn.email({ email, password }), 401, 'INVALID_EMAIL_OR_PASSWORD');
		assert.equal((await client.emailOtp.requestEmailChange({ newEmail: next })).error.message, 'Email is the same');
		refused(await world.visitor().client.emailOtp.changeEmail({ newEmail: address(), otp }), 401, 'UNAUTHORIZED');
		refused(await world.visitor().client.emailOtp.requestEmailChange({ newEmail: address() }), 401, 'UNAUTHORIZED');
	});

	world.check('do not tell who has an account', async () => {
		const { client } = world.visitor();
		for (const type of ['email-verification', 'forget-password']) assert.deepEqual(ok(await client.emailOtp.sendVerificationOtp({ email: address(), type })), { success: true });
		refused(await client.emailOtp.sendVerificationOtp({ email: 'nobody', type: 'sign-in' }), 400, 'INVALID_EMAIL');
		assert.equal((await client.emailOtp.sendVerificationOtp({ email: address(), type: 'something' })).error.status, 400);
		refused(await client.emailOtp.verifyEmail({ email: address(), otp: '123456' }), 400, 'INVALID_OTP');
	});
});
