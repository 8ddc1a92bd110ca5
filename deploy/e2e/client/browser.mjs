// What the suites share: where the system is, a browser's memory for cookies
// around the unmodified client, and the inbox.
import { createAuthClient } from 'better-auth/client';
import { jwtClient } from 'better-auth/client/plugins';

// Every place that serves the accounts API: through the gateway and directly.
// PUBLIC_URL is what the system believes its address to be: the origin of its
// own page, and where links in mails lead.
export const places = [
	['through the gateway', process.env.GATEWAY_URL],
	['directly at auth', process.env.AUTH_URL],
].filter(([, url]) => url);

export const publicURL = process.env.PUBLIC_URL ?? process.env.GATEWAY_URL ?? process.env.AUTH_URL;
const inboxURL = process.env.INBOX_URL;

let people = 0;
// A new address for each test and run.
export const address = () => `e2e-${process.pid}-${Date.now().toString(36)}-${++people}@example.test`;
export const password = 'correct-horse-battery-staple-9';

// Browser keeps cookies, sends the Origin of our page, and remembers the last
// answer, whose headers the client does not show.
export class Browser {
	cookies = new Map();
	last = null;

	constructor(base, headers = {}) {
		this.base = base;
		this.headers = headers;
		this.client = createAuthClient({
			baseURL: base,
			plugins: [jwtClient()],
			fetchOptions: { customFetchImpl: (url, init) => this.fetch(url, init) },
		});
	}

	async fetch(url, init = {}) {
		const headers = new Headers(init.headers);
		if (!headers.has('authorization')) headers.set('origin', publicURL);
		for (const [name, value] of Object.entries(this.headers)) headers.set(name, value);
		if (this.cookies.size > 0) headers.set('cookie', [...this.cookies].map((pair) => pair.join('=')).join('; '));
		const answer = await fetch(url, { ...init, headers, redirect: 'manual' });
		for (const line of answer.headers.getSetCookie()) {
			const [pair, ...attributes] = line.split(';');
			const cut = pair.indexOf('=');
			const name = pair.slice(0, cut).trim();
			if (attributes.some((a) => a.trim().toLowerCase() === 'max-age=0')) this.cookies.delete(name);
			else this.cookies.set(name, pair.slice(cut + 1));
		}
		this.last = answer;
		return answer;
	}

	// open follows a link from a mail, at the place under test.
	open(link) {
		const url = new URL(link);
		return this.fetch(this.base + url.pathname + url.search);
	}

	// cookie gives the Set-Cookie line of the last answer whose name ends so.
	cookie(name) {
		return this.last.headers.getSetCookie().find((line) => line.split('=')[0].endsWith(name));
	}
}

// letter waits for a mail to this address whose subject or text fits.
export async function letter(to, fits = /./, patience = 15_000) {
	const until = Date.now() + patience;
	for (;;) {
		const found = await (await fetch(`${inboxURL}/api/v1/search?query=${encodeURIComponent(`to:"${to}"`)}`)).json();
		for (const { ID } of found.messages) {
			const mail = await (await fetch(`${inboxURL}/api/v1/message/${ID}`)).json();
			if (fits.test(mail.Subject + '\n' + mail.Text)) return mail;
		}
		if (Date.now() > until) throw new Error(`no mail to ${to} that fits ${fits} within ${patience} ms`);
		await new Promise((done) => setTimeout(done, 100));
	}
}

// link takes the address out of a mail that leads to this path.
export function link(mail, path) {
	const found = mail.Text.match(/https?:\/\/[^\s>)]+/g) ?? [];
	const fits = found.find((url) => url.includes(path));
	if (!fits) throw new Error(`the mail "${mail.Subject}" has no link to ${path}`);
	return fits;
}

// signedUp makes an account, opens the mailed link, and gives the browser that
// is signed in by it.
export async function signedUp(base, email = address(), headers = {}) {
	const browser = new Browser(base, headers);
	const made = await browser.client.signUp.email({ email, password, name: 'Ada Lovelace', callbackURL: '/dashboard' });
	if (made.error) throw new Error(`sign-up: ${JSON.stringify(made.error)}`);
	await browser.open(link(await letter(email), '/verify-email'));
	return { browser, email };
}
