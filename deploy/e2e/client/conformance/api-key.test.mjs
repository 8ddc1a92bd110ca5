// Contract §14.2.
import assert from 'node:assert/strict';
import { ok, refused, section } from './harness.mjs';

const day = 86_400;
const members = [
	'id', 'configId', 'name', 'start', 'prefix', 'referenceId', 'refillInterval', 'refillAmount', 'lastRefillAt', 'enabled', 'rateLimitEnabled', 'rateLimitTimeWindow',
	'rateLimitMax', 'requestCount', 'remaining', 'lastRequest', 'expiresAt', 'createdAt', 'updatedAt', 'permissions', 'metadata',
];

section('API keys', (world) => {
	world.check('are made, listed, read, changed and deleted', async () => {
		const { browser, client } = await world.person();
		const made = ok(await client.apiKey.create({ name: 'Build', prefix: 'acme_', expiresIn: 30 * day }));
		for (const name of members) assert.ok(name in made, name);
		assert.match(made.key, /^acme_[A-Za-z]{64}$/);
		assert.deepEqual([made.name, made.configId, made.start, made.referenceId], ['Build', 'default', made.key.slice(0, 6), (await browser.user()).id]);
		const { apiKeys, total } = ok(await client.apiKey.list());
		assert.deepEqual([total, apiKeys[0].id, 'key' in apiKeys[0]], [1, made.id, false]);
		assert.equal(ok(await client.apiKey.get({ query: { id: made.id } })).name, 'Build');
		const changed = ok(await client.apiKey.update({ keyId: made.id, name: 'Deploy', enabled: false }));
		assert.deepEqual([changed.name, changed.enabled], ['Deploy', false]);
		const eve = await world.person();
		refused(await eve.client.apiKey.get({ query: { id: made.id } }), 404, 'KEY_NOT_FOUND');
		refused(await eve.client.apiKey.update({ keyId: made.id, name: 'Mine' }), 404, 'KEY_NOT_FOUND');
		refused(await eve.client.apiKey.delete({ keyId: made.id }), 404, 'KEY_NOT_FOUND');
		assert.deepEqual(ok(await client.apiKey.delete({ keyId: made.id })), { success: true });
		refused(await client.apiKey.get({ query: { id: made.id } }), 404, 'KEY_NOT_FOUND');
	});

	world.check('stand for their owner where that is on', async () => {
		const { client, email } = await world.person();
		const { id, key } = ok(await client.apiKey.create({ name: 'Read' }));
		const ask = (value) => world.visitor().client.getSession({ fetchOptions: { headers: { 'x-api-key': value } } });
		assert.equal(ok(await ask(key)).user.email, email);
		refused(await ask('short'), 403, 'INVALID_API_KEY');
		refused(await ask('x'.repeat(64)), 401, 'INVALID_API_KEY');
		ok(await client.apiKey.update({ keyId: id, enabled: false }));
		refused(await ask(key), 401, 'KEY_DISABLED');
	});

	world.check('have bounds that their owner cannot move', async () => {
		const { client } = await world.person();
		refused(await client.apiKey.create({ remaining: 5 }), 400, 'SERVER_ONLY_PROPERTY');
		refused(await client.apiKey.create({ permissions: { files: ['read'] } }), 400, 'SERVER_ONLY_PROPERTY');
		refused(await client.apiKey.create({ prefix: 'x'.repeat(100) }), 400, 'INVALID_PREFIX_LENGTH');
		refused(await client.apiKey.create({ name: 'x'.repeat(200) }), 400, 'INVALID_NAME_LENGTH');
		refused(await client.apiKey.create({ expiresIn: 60 }), 400, 'EXPIRES_IN_IS_TOO_SMALL');
		refused(await client.apiKey.create({ expiresIn: 400 * day }), 400, 'EXPIRES_IN_IS_TOO_LARGE');
		refused(await client.apiKey.create({ metadata: { a: 1 } }), 400, 'METADATA_DISABLED');
		const { id } = ok(await client.apiKey.create({}));
		refused(await client.apiKey.update({ keyId: id }), 400, 'NO_VALUES_TO_UPDATE');
		refused(await world.visitor().client.apiKey.create({}), 401, 'UNAUTHORIZED_SESSION');
		assert.equal((await world.visitor().client.apiKey.list()).error.status, 401);
	});
});
