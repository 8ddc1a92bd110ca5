// Contract §4: a forgotten password.
import assert from 'node:assert/strict';
import { address, leads, letter, link, ok, password, publicURL, refused, section } from './harness.mjs';

section('a forgotten password', (world) => {
	world.check('is replaced through the mailed link, once, and every session ends', async () => {
		const { browser, email } = await world.person();
		const fresh = world.visitor();
		const asked = ok(await fresh.client.requestPasswordReset({ email, redirectTo: '/reset-password' }));
		assert.deepEqual(asked, { status: true, message: 'If this email exists in our system, check your email for the reset link' });
		assert.deepEqual(ok(await fresh.client.requestPasswordReset({ email: address() })), asked);

		const opened = await fresh.open(link(await letter(email, /reset-password\//), '/reset-password/'));
		assert.equal(opened.status, 302);
		const target = new URL(opened.headers.get('location'), publicURL);
		assert.equal(target.pathname, '/reset-password');
		const token = target.searchParams.get('token');
		assert.match(token, /^[A-Za-z0-9]{24}$/);
		refused(await fresh.client.resetPassword({ newPassword: 'short', token }), 400, 'PASSWORD_TOO_SHORT');
		refused(await fresh.client.resetPassword({ newPassword: 'x'.repeat(129), token }), 400, 'PASSWORD_TOO_LONG');
		refused(await fresh.client.resetPassword({ newPassword: 'Password123', token }), 400, 'PASSWORD_COMPROMISED');
		assert.deepEqual(ok(await fresh.client.resetPassword({ newPassword: 'a-brand-new-passphrase-7', token })), { status: true });
		refused(await fresh.client.resetPassword({ newPassword: 'yet-another-passphrase-8', token }), 400, 'INVALID_TOKEN');
		assert.equal(await browser.user(), null);
		refused(await fresh.client.signIn.email({ email, password }), 401, 'INVALID_EMAIL_OR_PASSWORD');
		ok(await fresh.client.signIn.email({ email, password: 'a-brand-new-passphrase-7' }));
	});

	world.check('leads a bad link on with an error, and never to a foreign page', async () => {
		const browser = world.visitor();
		leads(await browser.open(`${publicURL}/api/auth/reset-password/garbage?callbackURL=%2Freset-password`), '/reset-password?error=INVALID_TOKEN');
		refused(await browser.client.requestPasswordReset({ email: address(), redirectTo: 'https://evil.example' }), 403, 'INVALID_REDIRECT_URL');
		const foreign = await browser.open(`${publicURL}/api/auth/reset-password/garbage?callbackURL=https%3A%2F%2Fevil.example`);
		assert.equal(foreign.status, 403);
	});
});
