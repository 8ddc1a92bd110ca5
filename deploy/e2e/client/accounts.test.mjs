// The accounts API through the unmodified better-auth client: everything that a
// page does with it, against a running system.
//
//   GATEWAY_URL and/or AUTH_URL   where the API is asked for
//   INBOX_URL                     the development inbox
//   PUBLIC_URL                    what the system was started with; default GATEWAY_URL
//
// The system must run with limits wide enough for a test's pace.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import { Browser, address, letter, link, password, places, publicURL, signedUp } from './browser.mjs';

if (places.length === 0) throw new Error('set GATEWAY_URL or AUTH_URL, and INBOX_URL');

const refused = (result, status, code) => {
	assert.equal(result.data, null);
	assert.equal(result.error.status, status);
	assert.equal(result.error.code, code);
};

for (const [place, base] of places) {
	describe(place, { concurrency: 4 }, () => {
		describe('signing up', () => {
			it('gives the person, no session, and a link that proves the address and signs in', async () => {
				const browser = new Browser(base);
				const email = address();
				const { data, error } = await browser.client.signUp.email({ email: email.toUpperCase(), password, name: 'Ada Lovelace', callbackURL: '/welcome' });
				assert.equal(error, null);
				assert.equal(data.token, null);
				assert.equal(data.user.email, email);
				assert.equal(data.user.emailVerified, false);
				assert.ok(data.user.createdAt instanceof Date);
				assert.ok(![...browser.cookies.keys()].some((name) => name.includes('session')));
				refused(await browser.client.signIn.email({ email, password }), 403, 'EMAIL_NOT_VERIFIED');

				const mailed = link(await letter(email), '/verify-email');
				assert.equal(new URL(mailed).origin, new URL(publicURL).origin);
				const opened = await browser.open(mailed);
				assert.equal(opened.status, 302);
				assert.equal(opened.headers.get('location'), '/welcome');
				const session = await browser.client.getSession();
				assert.equal(session.data.user.email, email);
				assert.equal(session.data.user.emailVerified, true);
			});

			it('answers the same for a known address, and tells its owner', async () => {
				const { email } = await signedUp(base);
				const browser = new Browser(base);
				const { data, error } = await browser.client.signUp.email({ email, password: 'another-passphrase-1', name: 'Eve' });
				assert.equal(error, null);
				assert.equal(data.token, null);
				assert.equal(data.user.email, email);
				assert.equal(data.user.name, 'Eve');
				await letter(email, /already|account/i);
				refused(await browser.client.signIn.email({ email, password: 'another-passphrase-1' }), 401, 'INVALID_EMAIL_OR_PASSWORD');
			});

			it('refuses what the contract refuses, in its words', async () => {
				const { client } = new Browser(base);
				const bad = await client.signUp.email({ email: 'not-an-address', password, name: 'X' });
				refused(bad, 400, 'VALIDATION_ERROR');
				assert.equal(bad.error.message, '[body.email] Invalid email address');
				refused(await client.signUp.email({ email: address(), password: 'short', name: 'X' }), 400, 'PASSWORD_TOO_SHORT');
				refused(await client.signUp.email({ email: address(), password: 'x'.repeat(129), name: 'X' }), 400, 'PASSWORD_TOO_LONG');
				const role = await client.signUp.email({ email: address(), password, name: 'X', role: 'admin' });
				refused(role, 400, 'FIELD_NOT_ALLOWED');
				assert.equal(role.error.message, 'role is not allowed to be set');
				refused(await client.signUp.email({ email: address(), password, name: 'X', callbackURL: 'https://evil.example/' }), 403, 'INVALID_CALLBACK_URL');
			});
		});

		describe('signing in', () => {
			it('sets the cookie and gives the token, and a wrong password or address gives one answer', async () => {
				const { email } = await signedUp(base);
				const browser = new Browser(base);
				refused(await browser.client.signIn.email({ email, password: 'wrong-password-1' }), 401, 'INVALID_EMAIL_OR_PASSWORD');
				refused(await browser.client.signIn.email({ email: address(), password }), 401, 'INVALID_EMAIL_OR_PASSWORD');
				refused(await browser.client.signIn.email({ email: 'nonsense', password }), 400, 'INVALID_EMAIL');

				const { data } = await browser.client.signIn.email({ email, password });
				assert.equal(data.redirect, false);
				assert.match(data.token, /^[A-Za-z0-9]{32}$/);
				assert.equal(data.user.email, email);
				const cookie = browser.cookie('better-auth.session_token');
				assert.match(cookie, /; Max-Age=604800/);
				assert.match(cookie, /; HttpOnly/);
				assert.match(cookie, /; SameSite=Lax/);
				assert.equal(decodeURIComponent(cookie.split(';')[0].split('=')[1]).split('.')[0], data.token);
			});

			it('leads to the callback, as JSON and as Location', async () => {
				const { email } = await signedUp(base);
				const browser = new Browser(base);
				const { data } = await browser.client.signIn.email({ email, password, callbackURL: '/dashboard' });
				assert.equal(data.redirect, true);
				assert.equal(data.url, '/dashboard');
				assert.equal(browser.last.headers.get('location'), '/dashboard');
			});

			it('ends with the browser when nobody wants to be remembered', async () => {
				const { email } = await signedUp(base);
				const browser = new Browser(base);
				await browser.client.signIn.email({ email, password, rememberMe: false });
				assert.doesNotMatch(browser.cookie('better-auth.session_token'), /Max-Age/);
				assert.ok(browser.cookie('better-auth.dont_remember'));
				const { data } = await browser.client.getSession();
				const hours = (data.session.expiresAt - data.session.createdAt) / 3_600_000;
				assert.equal(hours, 24);
			});

			it('takes a bearer token in place of the cookie', async () => {
				const { email } = await signedUp(base);
				const first = new Browser(base);
				await first.client.signIn.email({ email, password });
				const signed = first.last.headers.get('set-auth-token');
				assert.ok(signed);
				const bearer = new Browser(base, { authorization: `Bearer ${signed}` });
				assert.equal((await bearer.client.getSession()).data.user.email, email);
				const wrong = new Browser(base, { authorization: `Bearer ${signed.slice(0, -3)}AA=` });
				assert.equal((await wrong.client.getSession()).data, null);
			});

			it('refuses a foreign page', async () => {
				const { email } = await signedUp(base);
				const { client } = new Browser(base, { origin: 'https://evil.example' });
				refused(await client.signIn.email({ email, password }), 403, 'INVALID_ORIGIN');
			});

			it('takes a form', async () => {
				const { email } = await signedUp(base);
				const browser = new Browser(base);
				const answer = await browser.fetch(`${base}/api/auth/sign-in/email`, { method: 'POST', body: new URLSearchParams({ email, password }) });
				assert.equal(answer.status, 200);
				assert.equal((await browser.client.getSession()).data.user.email, email);
			});
		});

		describe('sessions', () => {
			it('are null for nobody', async () => {
				const { data, error } = await new Browser(base).client.getSession();
				assert.equal(data, null);
				assert.equal(error, null);
			});

			it('are listed with the current one recognisable, and no listed token signs in', async () => {
				const { browser, email } = await signedUp(base);
				const second = new Browser(base, { 'user-agent': 'second device' });
				await second.client.signIn.email({ email, password });
				const mine = (await second.client.getSession()).data.session;
				const { data } = await second.client.listSessions();
				assert.equal(data.length, 2);
				assert.equal(data.filter((s) => s.token === mine.token).length, 1);
				assert.equal(data.find((s) => s.token === mine.token).userAgent, 'second device');
				for (const { token } of data) {
					assert.equal((await new Browser(base, { cookie: `better-auth.session_token=${token}` }).client.getSession()).data, null);
					assert.equal((await new Browser(base, { authorization: `Bearer ${token}` }).client.getSession()).data, null);
				}

				const other = data.find((s) => s.token !== mine.token);
				assert.deepEqual((await second.client.revokeSession({ token: other.token })).data, { status: true });
				assert.equal((await browser.client.getSession()).data, null);
				assert.ok((await second.client.getSession()).data);
			});

			it('end elsewhere, or everywhere', async () => {
				const { browser, email } = await signedUp(base);
				const second = new Browser(base);
				await second.client.signIn.email({ email, password });
				assert.deepEqual((await second.client.revokeOtherSessions()).data, { status: true });
				assert.equal((await browser.client.getSession()).data, null);
				assert.ok((await second.client.getSession()).data);
				assert.deepEqual((await second.client.revokeSessions()).data, { status: true });
				assert.equal(second.cookies.has('better-auth.session_token'), false);
				refused(await second.client.listSessions(), 401, 'UNAUTHORIZED');
			});

			it("are nobody else's to end", async () => {
				const { browser } = await signedUp(base);
				const { token } = (await browser.client.getSession()).data.session;
				const eve = await signedUp(base);
				assert.deepEqual((await eve.browser.client.revokeSession({ token })).data, { status: true });
				assert.ok((await browser.client.getSession()).data);
			});

			it('end with signing out, on the server', async () => {
				const { browser } = await signedUp(base);
				const kept = new Map(browser.cookies);
				assert.deepEqual((await browser.client.signOut()).data, { success: true });
				assert.equal(browser.cookies.has('better-auth.session_token'), false);
				browser.cookies = kept;
				assert.equal((await browser.client.getSession()).data, null);
				assert.deepEqual((await browser.client.signOut()).data, { success: true });
			});
		});

		describe('a person', () => {
			it('changes name and picture, and nothing that is not theirs to change', async () => {
				const { browser } = await signedUp(base);
				const { client } = browser;
				assert.deepEqual((await client.updateUser({ name: 'Augusta Ada', image: 'https://example.test/ada.png' })).data, { status: true });
				let { data } = await client.getSession();
				assert.equal(data.user.name, 'Augusta Ada');
				assert.equal(data.user.image, 'https://example.test/ada.png');
				await client.updateUser({ image: null });
				({ data } = await client.getSession());
				assert.equal(data.user.image, null);
				refused(await client.updateUser({ email: address() }), 400, 'EMAIL_CAN_NOT_BE_UPDATED');
				refused(await client.updateUser({ role: 'admin' }), 400, 'FIELD_NOT_ALLOWED');
				const nothing = await client.$fetch('/update-user', { method: 'POST', body: {} });
				assert.equal(nothing.error.status, 400);
				assert.equal(nothing.error.message, 'No fields to update');
			});

			it('changes the password, and may end the other sessions with it', async () => {
				const { browser, email } = await signedUp(base);
				const other = new Browser(base);
				await other.client.signIn.email({ email, password });
				refused(await browser.client.changePassword({ currentPassword: 'wrong-password-1', newPassword: 'second-passphrase-2' }), 400, 'INVALID_PASSWORD');
				const changed = await browser.client.changePassword({ currentPassword: password, newPassword: 'second-passphrase-2' });
				assert.equal(changed.data.token, null);
				assert.equal(changed.data.user.email, email);
				assert.ok((await other.client.getSession()).data);

				const again = await browser.client.changePassword({ currentPassword: 'second-passphrase-2', newPassword: 'third-passphrase-3', revokeOtherSessions: true });
				assert.match(again.data.token, /^[A-Za-z0-9]{32}$/);
				assert.equal((await other.client.getSession()).data, null);
				assert.ok((await browser.client.getSession()).data);
				await letter(email, /password/i);
			});
		});

		describe('a forgotten password', () => {
			it('is replaced through the mailed link, once, and ends every session', async () => {
				const { browser, email } = await signedUp(base);
				const fresh = new Browser(base);
				const asked = await fresh.client.requestPasswordReset({ email, redirectTo: '/reset-password' });
				const unknown = await fresh.client.requestPasswordReset({ email: address(), redirectTo: '/reset-password' });
				assert.deepEqual(asked.data, unknown.data);

				const opened = await fresh.open(link(await letter(email, /reset-password\//), '/reset-password/'));
				assert.equal(opened.status, 302);
				const target = new URL(opened.headers.get('location'), publicURL);
				assert.equal(target.pathname, '/reset-password');
				const token = target.searchParams.get('token');
				assert.match(token, /^[A-Za-z0-9]{24}$/);

				refused(await fresh.client.resetPassword({ newPassword: 'short', token }), 400, 'PASSWORD_TOO_SHORT');
				assert.deepEqual((await fresh.client.resetPassword({ newPassword: 'a-brand-new-passphrase-7', token })).data, { status: true });
				refused(await fresh.client.resetPassword({ newPassword: 'yet-another-passphrase-8', token }), 400, 'INVALID_TOKEN');
				assert.equal((await browser.client.getSession()).data, null);
				refused(await fresh.client.signIn.email({ email, password }), 401, 'INVALID_EMAIL_OR_PASSWORD');
				assert.ok((await fresh.client.signIn.email({ email, password: 'a-brand-new-passphrase-7' })).data);
			});

			it('leads a bad link on with an error', async () => {
				const opened = await new Browser(base).open(`${publicURL}/api/auth/reset-password/garbage?callbackURL=%2Freset-password`);
				assert.equal(opened.headers.get('location'), `${publicURL}/reset-password?error=INVALID_TOKEN`);
			});
		});

		describe('an address', () => {
			it('is proven by a link that was asked for again, and a second opening is no error', async () => {
				const browser = new Browser(base);
				const email = address();
				await browser.client.signUp.email({ email, password, name: 'Ada' });
				await letter(email);
				assert.deepEqual((await browser.client.sendVerificationEmail({ email, callbackURL: '/done' })).data, { status: true });
				assert.deepEqual((await browser.client.sendVerificationEmail({ email: address() })).data, { status: true });
				const mailed = link(await letter(email, /done/), '/verify-email');
				assert.equal((await browser.open(mailed)).headers.get('location'), '/done');
				const scanner = new Browser(base);
				assert.equal((await scanner.open(mailed)).headers.get('location'), '/done');
				assert.equal((await scanner.client.getSession()).data, null);
				refused(await browser.client.sendVerificationEmail({ email }), 400, 'EMAIL_ALREADY_VERIFIED');
				refused(await browser.client.sendVerificationEmail({ email: address() }), 400, 'EMAIL_MISMATCH');
			});

			it('is not proven by a bad link', async () => {
				const { client } = new Browser(base);
				refused(await client.verifyEmail({ query: { token: 'garbage' } }), 401, 'INVALID_TOKEN');
				const opened = await new Browser(base).open(`${publicURL}/api/auth/verify-email?token=garbage&callbackURL=%2Fx%3Fy%3D1`);
				assert.equal(opened.headers.get('location'), '/x?y=1&error=INVALID_TOKEN');
			});
		});

		describe('access tokens', () => {
			it('verify against the key set and name person and session', async () => {
				const { browser } = await signedUp(base);
				const { session, user } = (await browser.client.getSession()).data;
				const { token } = (await browser.client.token()).data;
				const [head, body, signature] = token.split('.');
				const { alg, kid, typ } = JSON.parse(Buffer.from(head, 'base64url'));
				assert.equal(alg, 'EdDSA');
				assert.equal(typ, 'JWT');
				const { keys } = (await browser.client.jwks()).data;
				const jwk = keys.find((k) => k.kid === kid);
				assert.equal(jwk.d, undefined);
				const key = createPublicKey({ key: jwk, format: 'jwk' });
				assert.ok(verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')));
				const claims = JSON.parse(Buffer.from(body, 'base64url'));
				assert.equal(claims.sub, user.id);
				assert.equal(claims.sid, session.id);
				assert.equal(claims.iss, publicURL);
				assert.equal(claims.aud, publicURL);
				assert.ok(claims.exp - claims.iat <= 900);
				refused(await new Browser(base).client.token(), 401, 'UNAUTHORIZED');
			});
		});

		describe('the page about errors', () => {
			it('says in words what went wrong, shows no foreign markup, and has a way on', async () => {
				const answer = await new Browser(base).open(`${publicURL}/api/auth/error?error=%3Cscript%3E&error_description=%3Cimg%20src%3Dx%3E`);
				assert.equal(answer.status, 200);
				assert.match(answer.headers.get('content-type'), /^text\/html/);
				const text = await answer.text();
				assert.match(text, /UNKNOWN/);
				assert.doesNotMatch(text, /<script>|<img/);
				assert.match(text, /<a href=/);
			});
		});

		describe('paths', () => {
			it('match exactly, or there is nothing', async () => {
				for (const [method, path] of [['GET', '/nothing'], ['GET', '/ok/'], ['DELETE', '/ok'], ['GET', '/sign-in/email']]) {
					const answer = await new Browser(base).fetch(`${base}/api/auth${path}`, { method });
					assert.equal(answer.status, 404, `${method} ${path}`);
					assert.equal(await answer.text(), '', `${method} ${path}`);
				}
				assert.deepEqual(await (await new Browser(base).fetch(`${base}/api/auth/ok`)).json(), { ok: true });
			});
		});
	});
}
