// A software authenticator behind navigator.credentials, as far as passkeys go:
// ES256, attestation "none", the person always present and verified.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { publicURL } from '../browser.mjs';

const held = new AsyncLocalStorage();

// withAuthenticator runs something with a new authenticator at hand.
export const withAuthenticator = (run) => held.run(new Map(), run);

const sha256 = (data) => createHash('sha256').update(data).digest();
const buffer = (bytes) => new Uint8Array(bytes).buffer;

// cbor writes the few kinds of values that an attestation has.
function cbor(value) {
	const head = (major, n) => (n < 24 ? Buffer.of((major << 5) | n) : n < 256 ? Buffer.of((major << 5) | 24, n) : Buffer.of((major << 5) | 25, n >> 8, n & 255));
	if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
	if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
	if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
	return Buffer.concat([head(5, value.size), ...[...value].flatMap(([k, v]) => [cbor(k), cbor(v)])]);
}

const clientData = (type, challenge) => Buffer.from(JSON.stringify({ type, challenge: Buffer.from(challenge).toString('base64url'), origin: new URL(publicURL).origin, crossOrigin: false }));

function authenticatorData(rpId, flags, counter, attested = Buffer.alloc(0)) {
	const count = Buffer.alloc(4);
	count.writeUInt32BE(counter);
	return Buffer.concat([sha256(rpId), Buffer.of(flags), count, attested]);
}

const present = 0b101; // user present and verified
const withKey = 0b1000000;

function create({ publicKey: { rp, user, challenge, excludeCredentials = [] } }) {
	const keys = held.getStore();
	if (excludeCredentials.some(({ id }) => keys.has(Buffer.from(id).toString('base64url')))) throw Object.assign(new Error('registered already'), { name: 'InvalidStateError' });
	const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const rawId = randomBytes(32);
	const id = rawId.toString('base64url');
	keys.set(id, { key: pair.privateKey, rpId: rp.id, userHandle: Buffer.from(user.id), counter: 0 });
	const { x, y } = pair.publicKey.export({ format: 'jwk' });
	const cose = cbor(new Map([[1, 2], [3, -7], [-1, 1], [-2, Buffer.from(x, 'base64url')], [-3, Buffer.from(y, 'base64url')]]));
	const attested = Buffer.concat([Buffer.alloc(16), Buffer.of(0, rawId.length), rawId, cose]);
	const attestation = new Map([['fmt', 'none'], ['attStmt', new Map()], ['authData', authenticatorData(rp.id, present | withKey, 0, attested)]]);
	return credential(id, rawId, {
		clientDataJSON: buffer(clientData('webauthn.create', challenge)), attestationObject: buffer(cbor(attestation)), getTransports: () => ['internal'],
	});
}

function get({ publicKey: { rpId, challenge, allowCredentials = [] } }) {
	const allowed = allowCredentials.map(({ id }) => Buffer.from(id).toString('base64url'));
	const [id, own] = [...held.getStore()].find(([name, { rpId: of }]) => of === rpId && (allowed.length === 0 || allowed.includes(name))) ?? [];
	if (!own) throw Object.assign(new Error('no passkey'), { name: 'NotAllowedError' });
	const said = clientData('webauthn.get', challenge);
	const data = authenticatorData(rpId, present, ++own.counter);
	const signature = createSign('sha256').update(Buffer.concat([data, sha256(said)])).sign(own.key);
	return credential(id, Buffer.from(id, 'base64url'), {
		clientDataJSON: buffer(said), authenticatorData: buffer(data), signature: buffer(signature), userHandle: buffer(own.userHandle),
	});
}

const credential = (id, rawId, response) => ({
	id, rawId: buffer(rawId), type: 'public-key', response, authenticatorAttachment: 'platform', getClientExtensionResults: () => ({ credProps: { rk: true } }),
});

globalThis.PublicKeyCredential = class {};
Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { credentials: { create: async (o) => create(o), get: async (o) => get(o) } } });
