// What the contract's tests share: each section runs at every place with every
// client, all plugin clients on. A test that passes leaves a line in RECORDS
// with the calls that it made; one that fails leaves none.
//
//   GATEWAY_URL, AUTH_URL, PUBLIC_URL, INBOX_URL   as in browser.mjs
//   VERIFICATION        required or optional: whether an address must be proven
//   DELETION            password or mail: what ends an account
//   ADMIN_EMAIL         an administrator, whose password is that of everybody here
//   RECORDS             the file of the lines; none is written without it
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { apiKeyClient } from '@better-auth/api-key/client';
import { passkeyClient } from '@better-auth/passkey/client';
import { createAuthClient as vanilla } from 'better-auth/client';
import { adminClient, anonymousClient, emailOTPClient, jwtClient, lastLoginMethodClient, magicLinkClient, multiSessionClient, twoFactorClient, usernameClient } from 'better-auth/client/plugins';
import { createAuthClient as svelte } from 'better-auth/svelte';
import { Browser, address, letter, link, password, places, publicURL } from '../browser.mjs';

export { address, letter, link, password, publicURL };

export const required = process.env.VERIFICATION !== 'optional';
export const byMail = process.env.DELETION === 'mail';
export const sessionCookie = 'better-auth.session_token';

const running = new AsyncLocalStorage();

class Visitor extends Browser {
	constructor(base, create) {
		super(base);
		this.client = create({
			baseURL: base,
			plugins: [
				jwtClient(), twoFactorClient(), magicLinkClient(), emailOTPClient(), passkeyClient(), usernameClient(), anonymousClient(),
				multiSessionClient(), adminClient(), apiKeyClient(), lastLoginMethodClient(),
			],
			fetchOptions: { customFetchImpl: (url, init) => this.fetch(url, init) },
		});
	}

	async fetch(url, init = {}) {
		const answer = await super.fetch(url, init);
		running.getStore()?.push({ method: init.method ?? 'GET', path: new URL(url).pathname, status: answer.status });
		return answer;
	}

	// user is who is signed in, or null.
	async user() {
		return (await this.client.getSession()).data?.user ?? null;
	}
}

// World is one place with one client.
class World {
	constructor(place, base, client, create) {
		Object.assign(this, { place, base, name: `${place}, ${client}`, kind: client, create });
	}

	visitor() {
		return new Visitor(this.base, this.create);
	}

	// person has an account and is signed in.
	async person(fields = {}) {
		const browser = this.visitor();
		const email = address();
		ok(await browser.client.signUp.email({ email, password, name: 'Ada Lovelace', ...fields }));
		if (required) await browser.open(link(await letter(email), '/verify-email'));
		return { browser, client: browser.client, email };
	}

	// proven is a person whose address was proven, whether or not it must be.
	async proven() {
		const person = await this.person();
		if (!required) await person.browser.open(link(await letter(person.email), '/verify-email'));
		return person;
	}

	// signedIn is somebody in another browser.
	async signedIn(email, secret = password) {
		const browser = this.visitor();
		ok(await browser.client.signIn.email({ email, password: secret }));
		return browser;
	}

	administrator() {
		return this.signedIn(process.env.ADMIN_EMAIL);
	}

	// check is a test whose calls count once it has passed.
	check(title, test) {
		it(title, async () => {
			const calls = [];
			await running.run(calls, () => test(this));
			if (process.env.RECORDS) appendFileSync(process.env.RECORDS, JSON.stringify({ place: this.place, client: this.kind, test: title, calls }) + '\n');
		});
	}
}

const clients = { vanilla, svelte };

// section declares the tests of a section of the contract in every world.
export function section(title, tests) {
	for (const [place, base] of places) {
		for (const [client, create] of Object.entries(clients)) {
			const world = new World(place, base, client, create);
			describe(`${title}, ${world.name}`, () => tests(world));
		}
	}
}

// ok gives the data of an answer that is no refusal.
export function ok({ data, error }) {
	assert.equal(error, null, JSON.stringify(error));
	return data;
}

// refused wants this status and, if given, code and message.
export function refused({ data, error }, status, code, message) {
	assert.equal(data, null, JSON.stringify(data));
	assert.deepEqual([error.status, error.code], [status, code], JSON.stringify(error));
	if (message) assert.equal(error.message, message);
}

// leads wants a redirect to this address; a relative one may come absolute.
export function leads(answer, to) {
	assert.equal(answer.status, 302);
	assert.equal(new URL(answer.headers.get('location'), publicURL).href, new URL(to, publicURL).href);
}

// attributes wants a cookie's line in the last answer to have exactly these.
export function attributes(browser, name, ...want) {
	const line = browser.cookie(name);
	assert.ok(line, `no cookie ${name}`);
	assert.deepEqual(line.split('; ').slice(1).sort(), want.sort());
	return line;
}

export function cleared(browser, name = 'session_token') {
	assert.match(browser.cookie(name) ?? '', /=;.*Max-Age=0/);
}

const digits = /^\W*(\d{6})\s*$/m;

// code takes the six digits out of a letter.
export const code = async (to, fits = digits) => (await letter(to, fits)).Text.match(digits)[1];

export const wrongCode = (right) => (right === '000000' ? '000001' : '000000');

export const claims = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));

export const isID = (id) => assert.match(id, /^[A-Za-z0-9-]{32,36}$/);
