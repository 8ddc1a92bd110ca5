// Contract §13: user names.
import assert from 'node:assert/strict';
import { ok, password, refused, section } from './harness.mjs';

let names = 0;
const fresh = () => `Ada_${process.pid}_${Date.now().toString(36)}${++names}`;

section('user names', (world) => {
	world.check('sign in, in any spelling', async () => {
		const username = fresh();
		const { browser, email } = await world.person({ username });
		const person = await browser.user();
		assert.deepEqual([person.username, person.displayUsername], [username.toLowerCase(), username]);
		const { token, user } = ok(await world.visitor().client.signIn.username({ username: username.toUpperCase(), password }));
		assert.deepEqual([user.email, typeof token], [email, 'string']);
		refused(await world.visitor().client.signIn.username({ username, password: 'wrong-password-1' }), 401, 'INVALID_USERNAME_OR_PASSWORD');
		refused(await world.visitor().client.signIn.username({ username: fresh(), password }), 401, 'INVALID_USERNAME_OR_PASSWORD');
	});

	world.check('are free or taken, and have a form', async () => {
		const { client } = await world.person();
		const username = fresh();
		assert.deepEqual(ok(await client.isUsernameAvailable({ username })), { available: true });
		ok(await client.updateUser({ username }));
		assert.deepEqual(ok(await world.visitor().client.isUsernameAvailable({ username })), { available: false });
		const other = await world.person();
		refused(await other.client.updateUser({ username }), 400, 'USERNAME_IS_ALREADY_TAKEN');
		for (const [name, code] of [['ab', 'USERNAME_TOO_SHORT'], ['a'.repeat(31), 'USERNAME_TOO_LONG'], ['not a name', 'INVALID_USERNAME']]) {
			refused(await other.client.updateUser({ username: name }), 400, code);
			refused(await other.client.signIn.username({ username: name, password }), 422, code);
		}
	});
});
