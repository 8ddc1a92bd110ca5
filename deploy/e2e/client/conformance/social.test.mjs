// Contract §5. The provider signs in whoever the login hint names.
import assert from 'node:assert/strict';
import { address, attributes, claims, cleared, leads, ok, publicURL, refused, section } from './harness.mjs';

section('providers', (world) => {
	// approved is where the provider leads back to.
	const approved = async (url) => (await fetch(url, { redirect: 'manual' })).headers.get('location');

	const begun = async (browser, email, fields = {}) =>
		ok(await browser.client.signIn.social({ provider: 'acme', loginHint: email, callbackURL: '/home', newUserCallbackURL: '/new', errorCallbackURL: '/oops', ...fields }));

	const arrived = async (email = address()) => {
		const browser = world.visitor();
		leads(await browser.open(await approved((await begun(browser, email)).url)), '/new');
		return { browser, client: browser.client, email };
	};

	const account = async (client, providerId = 'acme') => ok(await client.listAccounts()).find((a) => a.providerId === providerId);

	world.check('sign up and in', async () => {
		const email = address();
		const browser = world.visitor();
		const { url, redirect } = await begun(browser, email);
		assert.equal(redirect, true);
		assert.equal(browser.last.headers.get('location'), url);
		attributes(browser, 'state', 'Max-Age=300', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		const asked = new URL(url).searchParams;
		assert.deepEqual(['response_type', 'code_challenge_method', 'redirect_uri'].map((name) => asked.get(name)), ['code', 'S256', `${publicURL}/api/auth/callback/acme`]);
		assert.match(asked.get('state'), /^.{32}$/);
		const back = await approved(url);
		leads(await browser.open(back), '/new');
		cleared(browser, '.state');
		const user = await browser.user();
		assert.deepEqual([user.email, user.emailVerified], [email, true]);
		leads(await browser.open(back), '/api/auth/error?error=state_mismatch');
		const again = world.visitor();
		leads(await again.open(await approved((await begun(again, email)).url)), '/home');
		assert.equal((await again.user()).id, user.id);
	});

	world.check('may answer by a form', async () => {
		const email = address();
		const browser = world.visitor();
		const back = new URL(await approved((await begun(browser, email)).url));
		const posted = await fetch(world.base + back.pathname, { method: 'POST', redirect: 'manual', headers: { origin: 'https://idp.example' }, body: back.searchParams });
		assert.equal(posted.status, 302);
		const form = await browser.fetch(world.base + back.pathname, { method: 'POST', body: back.searchParams });
		assert.equal(form.status, 302);
		leads(await browser.open(new URL(form.headers.get('location'), publicURL).href), '/new');
		assert.equal((await browser.user()).email, email);
	});

	world.check('lead failures where the flow or the contract says', async () => {
		const browser = world.visitor();
		leads(await browser.open(`${publicURL}/api/auth/callback/acme?code=x`), '/api/auth/error?error=state_not_found');
		leads(await browser.open(`${publicURL}/api/auth/callback/acme?code=x&state=unknown`), '/api/auth/error?error=state_mismatch');
		const { url } = await begun(browser, address());
		const back = new URL(await approved(url));
		back.searchParams.delete('code');
		leads(await browser.open(back.href), '/oops?error=no_code');
		refused(await browser.client.signIn.social({ provider: 'nobody' }), 404, 'PROVIDER_NOT_FOUND');
		refused(await browser.client.signIn.social({ provider: 'acme', callbackURL: 'https://evil.example' }), 403, 'INVALID_CALLBACK_URL');
	});

	world.check('are told apart by their accounts, whose tokens are given and renewed', async () => {
		const { browser, client, email } = await arrived();
		const row = await account(client);
		assert.deepEqual([row.providerId, row.userId, row.scopes], ['acme', (await browser.user()).id, ['openid', 'email', 'profile']]);
		assert.equal('accessToken' in row, false);
		const { accessToken, idToken } = ok(await client.getAccessToken({ accountId: row.id }));
		assert.equal(claims(idToken).email, email);
		const renewed = ok(await client.refreshToken({ accountId: row.id }));
		assert.notEqual(renewed.accessToken, accessToken);
		assert.deepEqual([renewed.providerId, renewed.accountId], ['acme', row.id]);
		const info = ok(await client.accountInfo({ query: { accountId: row.id } }));
		assert.deepEqual([info.user.email, info.account.providerId, info.data.sub], [email, 'acme', row.accountId]);
		for (const call of [client.getAccessToken({ accountId: 'unknown' }), client.refreshToken({ accountId: 'unknown' }), client.accountInfo({ query: { accountId: 'unknown' } })]) refused(await call, 400, 'ACCOUNT_NOT_FOUND');
		const stranger = world.visitor().client;
		for (const call of [stranger.listAccounts(), stranger.getAccessToken({ accountId: row.id }), stranger.refreshToken({ accountId: row.id }), stranger.accountInfo({ query: { accountId: row.id } })]) assert.equal((await call).error.status, 401);
	});

	world.check('are linked to a person, and unlinked unless nothing is left', async () => {
		const { browser, client, email } = await world.proven();
		const { url, redirect } = ok(await client.linkSocial({ provider: 'acme', callbackURL: '/profile', errorCallbackURL: '/oops', loginHint: email }));
		assert.equal(redirect, true);
		leads(await browser.open(await approved(url)), '/profile');
		assert.deepEqual(ok(await client.unlinkAccount({ accountId: (await account(client)).id })), { status: true });
		assert.deepEqual(ok(await client.listAccounts()).map((a) => a.providerId), ['credential']);
		refused(await client.unlinkAccount({ accountId: (await account(client, 'credential')).id }), 400, 'FAILED_TO_UNLINK_LAST_ACCOUNT');
		refused(await client.linkSocial({ provider: 'nobody' }), 404, 'PROVIDER_NOT_FOUND');
		refused(await world.visitor().client.linkSocial({ provider: 'acme' }), 401, 'UNAUTHORIZED');
		refused(await world.visitor().client.unlinkAccount({ accountId: 'x' }), 401, 'UNAUTHORIZED');
	});
});
