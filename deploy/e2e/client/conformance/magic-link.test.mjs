// Contract §10.
import assert from 'node:assert/strict';
import { address, attributes, leads, letter, link, ok, publicURL, refused, section } from './harness.mjs';

section('a magic link', (world) => {
	const asked = async (email, fields = {}) => {
		const { client } = world.visitor();
		assert.deepEqual(ok(await client.signIn.magicLink({ email, ...fields })), { status: true });
		return link(await letter(email, /magic-link/), '/magic-link/verify');
	};

	world.check('makes somebody of a new address, once', async () => {
		const email = address();
		const mailed = await asked(email, { name: 'Ada', callbackURL: '/home', newUserCallbackURL: '/new', errorCallbackURL: '/oops' });
		assert.equal(new URL(mailed).origin, new URL(publicURL).origin);
		const browser = world.visitor();
		leads(await browser.open(mailed), '/new');
		attributes(browser, 'session_token', 'Max-Age=604800', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		const user = await browser.user();
		assert.deepEqual([user.email, user.name, user.emailVerified], [email, 'Ada', true]);
		leads(await world.visitor().open(mailed), '/oops?error=INVALID_TOKEN');
	});

	world.check('signs in whom it knows', async () => {
		const { email } = await world.proven();
		const browser = world.visitor();
		leads(await browser.open(await asked(email, { callbackURL: '/home', newUserCallbackURL: '/new' })), '/home');
		assert.equal((await browser.user()).email, email);
	});

	world.check('is opened by the client, which gets person and session', async () => {
		const email = address();
		const token = new URL(await asked(email)).searchParams.get('token');
		assert.match(token, /^[A-Za-z0-9]{32}$/);
		const opened = ok(await world.visitor().client.magicLink.verify({ query: { token } }));
		assert.deepEqual([opened.user.email, opened.session.userId, typeof opened.token], [email, opened.user.id, 'string']);
	});

	world.check('refuses foreign pages and what is no address', async () => {
		const { client } = world.visitor();
		refused(await client.signIn.magicLink({ email: address(), callbackURL: 'https://evil.example' }), 403, 'INVALID_CALLBACK_URL');
		refused(await client.signIn.magicLink({ email: address(), newUserCallbackURL: 'https://evil.example' }), 403, 'INVALID_NEW_USER_CALLBACK_URL');
		refused(await client.signIn.magicLink({ email: address(), errorCallbackURL: 'https://evil.example' }), 403, 'INVALID_ERROR_CALLBACK_URL');
		assert.equal((await client.signIn.magicLink({ email: 'nobody' })).error.status, 400);
	});
});
