// Contract §1 and §6.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http'; // fetch writes Sec-Fetch-... itself
import { json } from 'node:stream/consumers';
import { ok, publicURL, refused, section } from './harness.mjs';

section('small endpoints', (world) => {
	world.check('the service says that it is there', async () => {
		assert.deepEqual(ok(await world.visitor().client.ok()), { ok: true });
	});

	world.check('the page about errors shows a code and no markup', async () => {
		const answer = await world.visitor().open(`${publicURL}/api/auth/error?error=%3Cscript%3E&error_description=%3Cimg%3E`);
		assert.equal(answer.status, 200);
		assert.match(answer.headers.get('content-type'), /^text\/html/);
		const text = await answer.text();
		assert.match(text, /UNKNOWN/);
		assert.doesNotMatch(text, /<script>|<img>/);
	});

	world.check('paths and methods match exactly, or there is nothing', async () => {
		for (const [method, path] of [['GET', '/nothing'], ['GET', '/ok/'], ['DELETE', '/ok'], ['GET', '/sign-in/email'], ['POST', '/jwks']]) {
			const answer = await world.visitor().fetch(`${world.base}/api/auth${path}`, { method });
			assert.deepEqual([answer.status, await answer.text()], [404, ''], `${method} ${path}`);
		}
	});

	world.check('bodies that cannot be read are refused in the words of the contract', async () => {
		const send = async (kind, body) => {
			const answer = await world.visitor().fetch(`${world.base}/api/auth/sign-in/email`, { method: 'POST', headers: { 'content-type': kind }, body });
			return [answer.status, (await answer.json()).code];
		};
		assert.deepEqual(await send('application/json', '{"email"'), [400, 'BAD_REQUEST']);
		assert.deepEqual(await send('application/json', '{"email":1}'), [400, 'VALIDATION_ERROR']);
		assert.deepEqual(await send('text/plain', '{}'), [415, 'UNSUPPORTED_MEDIA_TYPE']);
	});

	world.check('a foreign page cannot sign in, nor act with cookies', async () => {
		const { browser, client } = await world.person();
		browser.headers = { origin: 'https://evil.example' };
		refused(await client.updateUser({ name: 'Eve' }), 403, 'INVALID_ORIGIN');
		refused(await client.signOut(), 403, 'INVALID_ORIGIN');
		browser.headers = { origin: 'null' };
		refused(await client.signOut(), 403, 'MISSING_OR_NULL_ORIGIN');
		const form = request(`${world.base}/api/auth/sign-in/email`, {
			method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
		}).end('email=ada%40example.test&password=whatever-it-is');
		const [answer] = await once(form, 'response');
		assert.equal(answer.statusCode, 403);
		assert.equal((await json(answer)).code, 'CROSS_SITE_NAVIGATION_LOGIN_BLOCKED');
	});

	world.check('our password-strength judges what was typed', async () => {
		const { client } = world.visitor();
		const judge = async (password) => ok(await client.$fetch('/password-strength', { method: 'POST', body: { password } })).score;
		assert.equal(await judge('password1'), 0);
		assert.ok((await judge('correct-horse-battery-staple-9')) >= 3);
	});

	world.check('our recent-activity tells the person what happened', async () => {
		const { client } = await world.person();
		const told = ok(await client.$fetch('/recent-activity'));
		assert.ok(JSON.stringify(told).includes('sign_up'), JSON.stringify(told));
		refused(await world.visitor().client.$fetch('/recent-activity'), 401, 'UNAUTHORIZED');
	});
});
