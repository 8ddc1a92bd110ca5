// Contract §4: signing up and in, and the password.
import assert from 'node:assert/strict';
import { address, attributes, isID, ok, password, refused, required, section } from './harness.mjs';

section('e-mail and password', (world) => {
	world.check('signing up gives the person, and a session where no proof is needed', async () => {
		const browser = world.visitor();
		const email = address();
		const { token, user } = ok(await browser.client.signUp.email({ email: email.toUpperCase(), password, name: 'Ada Lovelace', image: 'https://example.test/ada.png' }));
		assert.deepEqual([user.email, user.name, user.emailVerified, user.image], [email, 'Ada Lovelace', false, 'https://example.test/ada.png']);
		isID(user.id);
		assert.ok(user.createdAt instanceof Date);
		if (required) {
			assert.equal(token, null);
			assert.equal(browser.cookie('session_token'), undefined);
			refused(await browser.client.signIn.email({ email, password }), 403, 'EMAIL_NOT_VERIFIED');
		} else {
			assert.match(token, /^[A-Za-z0-9]{32}$/);
			attributes(browser, 'session_token', 'Max-Age=604800', 'Path=/', 'HttpOnly', 'SameSite=Lax');
			assert.match(browser.last.headers.get('set-auth-token'), new RegExp(`^${token}\\.`));
			assert.equal((await browser.user()).id, user.id);
		}
	});

	world.check('a known address signs up like any other where proof is needed, and is refused elsewhere', async () => {
		const { email } = await world.person();
		const again = await world.visitor().client.signUp.email({ email, password: 'another-passphrase-1', name: 'Eve' });
		if (required) {
			const { token, user } = ok(again);
			assert.deepEqual([token, user.email, user.name], [null, email, 'Eve']);
		} else refused(again, 422, 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL');
		refused(await world.visitor().client.signIn.email({ email, password: 'another-passphrase-1' }), 401, 'INVALID_EMAIL_OR_PASSWORD');
	});

	world.check('signing up refuses what the contract refuses', async () => {
		const { client } = world.visitor();
		const email = address();
		refused(await client.signUp.email({ email: 'nobody', password, name: 'X' }), 400, 'VALIDATION_ERROR');
		refused(await client.signUp.email({ email, password: 'short', name: 'X' }), 400, 'PASSWORD_TOO_SHORT');
		refused(await client.signUp.email({ email, password: 'x'.repeat(129), name: 'X' }), 400, 'PASSWORD_TOO_LONG');
		refused(await client.signUp.email({ email, password: 'Password123', name: 'X' }), 400, 'PASSWORD_COMPROMISED');
		refused(await client.signUp.email({ email, password, name: 'X', role: 'admin' }), 400, 'FIELD_NOT_ALLOWED', 'role is not allowed to be set');
		refused(await client.signUp.email({ email, password, name: 'X', callbackURL: 'https://evil.example/' }), 403, 'INVALID_CALLBACK_URL');
	});

	world.check('signing in gives token and person, and where to go on', async () => {
		const { email } = await world.person();
		const browser = world.visitor();
		const { redirect, token, user } = ok(await browser.client.signIn.email({ email, password }));
		assert.deepEqual([redirect, user.email], [false, email]);
		assert.match(token, /^[A-Za-z0-9]{32}$/);
		const onward = ok(await world.visitor().client.signIn.email({ email, password, callbackURL: '/dashboard' }));
		assert.deepEqual([onward.redirect, onward.url], [true, '/dashboard']);
	});

	world.check('signing in does not tell who has an account', async () => {
		const { email } = await world.person();
		const { client } = world.visitor();
		refused(await client.signIn.email({ email, password: 'wrong-password-1' }), 401, 'INVALID_EMAIL_OR_PASSWORD', 'Invalid email or password');
		refused(await client.signIn.email({ email: address(), password }), 401, 'INVALID_EMAIL_OR_PASSWORD', 'Invalid email or password');
		refused(await client.signIn.email({ email: 'nobody', password }), 400, 'INVALID_EMAIL');
		refused(await client.signIn.email({ email, password: 'x'.repeat(129) }), 400, 'PASSWORD_TOO_LONG');
		refused(await client.signIn.email({ email, password, callbackURL: '//evil.example' }), 403, 'INVALID_CALLBACK_URL');
	});

	world.check('forms sign up and in too', async () => {
		const send = (path, fields) => world.visitor().fetch(`${world.base}/api/auth${path}`, { method: 'POST', body: new URLSearchParams(fields) });
		const email = address();
		assert.equal((await send('/sign-up/email', { email, password, name: 'Ada' })).status, 200);
		assert.equal((await send('/sign-in/email', { email, password })).status, required ? 403 : 200);
	});

	world.check('the password is checked and changed, the other sessions with it if wished', async () => {
		const { browser, client, email } = await world.person();
		const verify = (secret) => client.$fetch('/verify-password', { method: 'POST', body: { password: secret } });
		assert.deepEqual(ok(await verify(password)), { status: true });
		refused(await verify('wrong-password-1'), 400, 'INVALID_PASSWORD');
		refused(await client.changePassword({ currentPassword: 'wrong-password-1', newPassword: 'second-passphrase-2' }), 400, 'INVALID_PASSWORD');
		refused(await client.changePassword({ currentPassword: password, newPassword: 'short' }), 400, 'PASSWORD_TOO_SHORT');
		refused(await client.changePassword({ currentPassword: password, newPassword: 'x'.repeat(129) }), 400, 'PASSWORD_TOO_LONG');
		const other = await world.signedIn(email);
		const changed = ok(await client.changePassword({ currentPassword: password, newPassword: 'second-passphrase-2' }));
		assert.deepEqual([changed.token, changed.user.email], [null, email]);
		assert.ok(await other.user());
		const again = ok(await client.changePassword({ currentPassword: 'second-passphrase-2', newPassword: 'third-passphrase-3', revokeOtherSessions: true }));
		assert.match(again.token, /^[A-Za-z0-9]{32}$/);
		assert.equal(await other.user(), null);
		assert.ok(await browser.user());
		const stranger = world.visitor().client;
		refused(await stranger.changePassword({ currentPassword: password, newPassword: 'second-passphrase-2' }), 401, 'UNAUTHORIZED');
		refused(await stranger.$fetch('/verify-password', { method: 'POST', body: { password } }), 401, 'UNAUTHORIZED');
	});
});
