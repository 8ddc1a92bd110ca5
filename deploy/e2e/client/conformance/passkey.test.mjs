// Contract §12.
import assert from 'node:assert/strict';
import { withAuthenticator } from './authenticator.mjs';
import { attributes, cleared, ok, refused, section } from './harness.mjs';

section('passkeys', (world) => {
	const check = (title, test) => world.check(title, () => withAuthenticator(test));

	check('are registered and sign in', async () => {
		const { browser, client, email } = await world.person();
		const row = ok(await client.passkey.addPasskey({ name: 'My laptop' }));
		for (const name of ['id', 'publicKey', 'userId', 'credentialID', 'counter', 'backedUp', 'transports', 'createdAt', 'aaguid']) assert.ok(name in row, name);
		assert.deepEqual([row.name, row.deviceType, row.transports], ['My laptop', 'singleDevice', 'internal']);
		cleared(browser, 'better-auth-passkey');
		const again = await client.passkey.addPasskey({ name: 'Again' });
		assert.equal(again.error.code, 'ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED');

		const fresh = world.visitor();
		const { session, user } = ok(await fresh.client.signIn.passkey());
		assert.deepEqual([user.email, session.userId], [email, user.id]);
		attributes(fresh, 'session_token', 'Max-Age=604800', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		assert.equal((await fresh.user()).email, email);
	});

	check('have a challenge that lies in a cookie', async () => {
		const browser = world.visitor();
		const options = ok(await browser.client.$fetch('/passkey/generate-authenticate-options'));
		assert.equal(options.rpId, 'localhost');
		attributes(browser, 'better-auth-passkey', 'Max-Age=300', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		const person = await world.person();
		const creation = ok(await person.client.$fetch('/passkey/generate-register-options'));
		assert.deepEqual(creation.pubKeyCredParams.map(({ alg }) => alg), [-8, -7, -257]);
		assert.deepEqual([creation.attestation, creation.timeout, creation.user.displayName], ['none', 60_000, person.email]);
		refused(await world.visitor().client.$fetch('/passkey/generate-register-options'), 401, 'UNAUTHORIZED');
		const answer = { response: { id: 'AAAA', rawId: 'AAAA', type: 'public-key', clientExtensionResults: {}, response: { clientDataJSON: 'e30', authenticatorData: 'AA', signature: 'AA', attestationObject: 'oA' } } };
		refused(await world.visitor().client.$fetch('/passkey/verify-authentication', { method: 'POST', body: answer }), 400, 'CHALLENGE_NOT_FOUND');
		browser.cookies.clear();
		refused(await person.client.$fetch('/passkey/verify-authentication', { method: 'POST', body: answer }), 400, 'CHALLENGE_NOT_FOUND');
	});

	check('are listed, renamed and removed by their owner alone', async () => {
		const { client } = await world.person();
		const { id } = ok(await client.passkey.addPasskey({ name: 'Key' }));
		const list = ok(await client.$fetch('/passkey/list-user-passkeys'));
		assert.deepEqual(list.map(({ name }) => name), ['Key']);
		const eve = await world.person();
		refused(await eve.client.passkey.updatePasskey({ id, name: 'Mine' }), 404, 'PASSKEY_NOT_FOUND');
		refused(await eve.client.passkey.deletePasskey({ id }), 404, 'PASSKEY_NOT_FOUND');
		assert.equal(ok(await client.passkey.updatePasskey({ id, name: 'Other' })).passkey.name, 'Other');
		assert.deepEqual(ok(await client.passkey.deletePasskey({ id })), { status: true });
		assert.deepEqual(ok(await client.$fetch('/passkey/list-user-passkeys')), []);
		refused(await world.visitor().client.signIn.passkey(), 401, 'PASSKEY_NOT_FOUND');
		refused(await world.visitor().client.$fetch('/passkey/list-user-passkeys'), 401, 'UNAUTHORIZED');
	});
});
