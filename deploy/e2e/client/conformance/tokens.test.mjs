// Contract §7 and §8.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { claims, ok, password, publicURL, refused, section } from './harness.mjs';

section('tokens', (world) => {
	world.check('access tokens verify against the key set and name person and session', async () => {
		const { browser, client } = await world.person();
		const { session, user } = ok(await client.getSession());
		const given = browser.last.headers.get('set-auth-jwt');
		const { token } = ok(await client.token());
		const { keys } = ok(await client.jwks());
		for (const jwt of [token, given]) {
			const [head, body, signature] = jwt.split('.');
			const { alg, kid } = JSON.parse(Buffer.from(head, 'base64url'));
			assert.equal(alg, 'EdDSA');
			const key = keys.find((k) => k.kid === kid);
			assert.deepEqual([key.kty, key.crv, key.alg, key.d], ['OKP', 'Ed25519', 'EdDSA', undefined]);
			assert.ok(verify(null, Buffer.from(`${head}.${body}`), createPublicKey({ key, format: 'jwk' }), Buffer.from(signature, 'base64url')));
			const said = claims(jwt);
			assert.deepEqual([said.sub, said.sid, said.iss, said.aud], [user.id, session.id, publicURL, publicURL]);
			assert.ok(said.exp - said.iat <= 900);
		}
		refused(await world.visitor().client.token(), 401, 'UNAUTHORIZED');
	});

	world.check('a session token is a bearer too, with its signature and without', async () => {
		const { email } = await world.person();
		const browser = world.visitor();
		const { token } = ok(await browser.client.signIn.email({ email, password }));
		const signed = browser.last.headers.get('set-auth-token');
		if (world.place.startsWith('directly')) assert.match(browser.last.headers.get('access-control-expose-headers'), /set-auth-token/i);
		for (const bearer of [token, signed, encodeURIComponent(signed)]) {
			const program = world.visitor();
			const { data } = await program.client.getSession({ fetchOptions: { headers: { authorization: `Bearer ${bearer}` } } });
			assert.equal(data?.user.email, email);
		}
		const wrong = await world.visitor().client.getSession({ fetchOptions: { headers: { authorization: `Bearer ${token}.wrong` } } });
		assert.equal(wrong.data, null);
		const { data } = await world.visitor().client.updateUser({ name: 'By bearer' }, { headers: { authorization: `Bearer ${signed}` } });
		assert.deepEqual(data, { status: true });
	});
});
