// Fills an empty database as a better-auth server does, and prints what somebody
// needs to come in again: the passwords, cookies and keys of its people.
//
//	DATABASE_URL=… node reference.mjs        the secrets, as JSON
//	DATABASE_URL=… node reference.mjs export the tables too, for --from-json
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { apiKey } from '@better-auth/api-key';
import { passkey } from '@better-auth/passkey';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { admin, bearer, jwt, organization, twoFactor, username } from 'better-auth/plugins';
import pg from 'pg';

const secret = 'acceptance-secret-acceptance-secret-0123456789';
const origin = 'http://localhost:8000';
const password = 'correct-horse-battery-staple-9';
const resets = [];

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 });
const options = {
	database: pool,
	secret,
	baseURL: origin,
	logger: { level: 'error' },
	rateLimit: { enabled: false },
	telemetry: { enabled: false },
	emailAndPassword: { enabled: true, sendResetPassword: async ({ token }) => void resets.push(token) },
	plugins: [admin(), apiKey(), bearer(), jwt(), organization(), passkey(), twoFactor({ issuer: 'Codex' }), username()],
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
const auth = betterAuth(options);

/** A browser that keeps its cookies. */
function browser() {
	const cookies = new Map();
	return {
		cookies,
		async call(method, path, body) {
			const headers = new Headers({ origin });
			if (body) headers.set('content-type', 'application/json');
			if (cookies.size) headers.set('cookie', [...cookies].map(([k, v]) => `${k}=${v}`).join('; '));
			const answer = await auth.handler(new Request(`${origin}/api/auth${path}`, { method, headers, body: body && JSON.stringify(body) }));
			for (const line of answer.headers.getSetCookie()) {
				const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
				if (/max-age=0/i.test(line)) cookies.delete(name);
				else cookies.set(name, value);
			}
			if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
			return answer.json();
		},
	};
}

/** A code of RFC 6238; the key is the ASCII bytes of the secret. */
function totp(key, at = Date.now()) {
	const step = Buffer.alloc(8);
	step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
	const sum = createHmac('sha1', key).update(step).digest();
	const from = sum[19] & 15;
	return String((sum.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

function base32(text) {
	const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
	const bits = [...text].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('');
	return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

/** A passkey's, as COSE (RFC 9053 §7.1). */
function publicKey() {
	const { x, y } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
	const [head, between] = ['a5010203262001215820', '225820'].map((hex) => Buffer.from(hex, 'hex'));
	return Buffer.concat([head, Buffer.from(x, 'base64url'), between, Buffer.from(y, 'base64url')]).toString('base64');
}

const plain = browser();
await plain.call('POST', '/sign-up/email', { email: 'ada@example.test', password, name: 'Ada Lovelace', username: 'Ada_L' });
const key = await plain.call('POST', '/api-key/create', { name: 'build' });
await plain.call('POST', '/organization/create', { name: 'Analytical', slug: 'analytical' });
const token = await plain.call('GET', '/token');
await plain.call('POST', '/request-password-reset', { email: 'ada@example.test' });

const strong = browser();
await strong.call('POST', '/sign-up/email', { email: 'Grace@Example.test', password, name: 'Grace Hopper' });
const enrolment = await strong.call('POST', '/two-factor/enable', { password });
const otp = base32(new URL(enrolment.totpURI).searchParams.get('secret'));
await strong.call('POST', '/two-factor/verify-totp', { code: totp(otp) });

const ada = (await plain.call('GET', '/get-session')).user;
await pool.query('UPDATE "user" SET "emailVerified" = true');
await pool.query(
	`INSERT INTO passkey (id, name, "publicKey", "userId", "credentialID", counter, "deviceType", "backedUp", transports, "createdAt", aaguid)
	 VALUES ('pk1', 'Laptop', $2, $1, 'Y3JlZGVudGlhbC1vZi1hZGE', 3, 'multiDevice', true, 'internal,hybrid', now(), NULL)`,
	[ada.id, publicKey()],
);
await pool.query(
	`INSERT INTO account (id, "accountId", "providerId", "userId", "accessToken", "refreshToken", scope, "createdAt", "updatedAt")
	 VALUES ('acc1', '4711', 'github', $1, 'access-token-in-clear', 'refresh-token-in-clear', 'read:user', now(), now())`,
	[ada.id],
);

const found = {
	secret,
	password,
	ada: { id: ada.id, email: ada.email, cookie: plain.cookies.get('better-auth.session_token'), apiKey: key.key, jwt: token.token, reset: resets[0] },
	grace: { cookie: strong.cookies.get('better-auth.session_token'), totp: otp.toString(), backupCode: enrolment.backupCodes[0] },
};
if (process.argv[2] === 'export') {
	found.tables = {};
	for (const table of ['user', 'account', 'session', 'twoFactor', 'passkey', 'apikey', 'jwks', 'verification', 'organization', 'member', 'invitation']) {
		found.tables[table] = (await pool.query(`SELECT to_jsonb(t) AS row FROM "${table}" t ORDER BY id`)).rows.map((r) => r.row);
	}
}
console.log(JSON.stringify(found, null, 1));
await pool.end();
