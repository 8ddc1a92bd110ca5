// Contract §9.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { attributes, cleared, code, ok, password, refused, section, sessionCookie, wrongCode } from './harness.mjs';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

// key decodes the base32 of an authenticator's secret.
function key(uri) {
	const bits = [...new URL(uri).searchParams.get('secret')].map((c) => letters.indexOf(c).toString(2).padStart(5, '0')).join('');
	return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

// totp is what the app shows now, or so many steps later.
function totp(uri, later = 0) {
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
	const sum = createHmac('sha1', key(uri)).update(counter).digest();
	return String((sum.readUInt32BE(sum[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

section('a second factor', (world) => {
	// enrolled is a person with an authenticator app.
	const enrolled = async () => {
		const person = await world.person();
		const { method, totpURI, backupCodes } = ok(await person.client.twoFactor.enable({ password }));
		assert.deepEqual([method, backupCodes.length], ['totp', 10]);
		const before = person.browser.cookies.get(sessionCookie);
		const { token, user } = ok(await person.client.twoFactor.verifyTotp({ code: totp(totpURI) }));
		assert.equal(user.twoFactorEnabled, true);
		assert.match(token, /^[A-Za-z0-9]{32}$/);
		assert.notEqual(person.browser.cookies.get(sessionCookie), before);
		return { ...person, totpURI, backupCodes };
	};

	// challenged has given the right password and is asked for more.
	const challenged = async (email, browser = world.visitor()) => {
		const { twoFactorRedirect, twoFactorMethods } = ok(await browser.client.signIn.email({ email, password }));
		assert.equal(twoFactorRedirect, true);
		assert.ok(twoFactorMethods.includes('otp'));
		attributes(browser, 'two_factor', 'Max-Age=600', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		assert.equal(await browser.user(), null);
		return browser;
	};

	world.check('an app is enrolled and asked for at the next sign-in', async () => {
		const { email, totpURI, client, backupCodes } = await enrolled();
		assert.match(totpURI, /^otpauth:\/\/totp\/.+\?secret=[A-Z2-7]+&issuer=.+&digits=6&period=30$/);
		for (const backup of backupCodes) assert.match(backup, /^[A-Za-z0-9]{5}-[A-Za-z0-9]{5}$/);
		assert.equal(ok(await client.twoFactor.getTotpUri({ password })).totpURI, totpURI);
		refused(await client.twoFactor.getTotpUri({ password: 'wrong-password-1' }), 400, 'INVALID_PASSWORD');
		const browser = await challenged(email);
		refused(await browser.client.twoFactor.verifyTotp({ code: '12345' }), 401, 'INVALID_CODE');
		const { token, user } = ok(await browser.client.twoFactor.verifyTotp({ code: totp(totpURI, 1) }));
		assert.deepEqual([user.email, typeof token], [email, 'string']);
		cleared(browser, 'two_factor');
		assert.equal((await browser.user()).email, email);
		refused(await world.visitor().client.twoFactor.verifyTotp({ code: '123456' }), 401, 'INVALID_TWO_FACTOR_COOKIE');
	});

	world.check('a mailed code does as well, and a trusted browser is not asked again', async () => {
		const { email } = await enrolled();
		const browser = await challenged(email);
		assert.deepEqual(ok(await browser.client.twoFactor.sendOtp()), { status: true });
		const mailed = await code(email, /^Your second code/);
		refused(await browser.client.twoFactor.verifyOtp({ code: wrongCode(mailed) }), 401, 'INVALID_CODE');
		assert.equal(ok(await browser.client.twoFactor.verifyOtp({ code: mailed, trustDevice: true })).user.email, email);
		attributes(browser, 'trust_device', 'Max-Age=2592000', 'Path=/', 'HttpOnly', 'SameSite=Lax');
		ok(await browser.client.signOut());
		assert.equal(ok(await browser.client.signIn.email({ email, password })).user.email, email);
		refused(await world.visitor().client.twoFactor.sendOtp(), 401, 'INVALID_TWO_FACTOR_COOKIE');
	});

	world.check('backup codes work once, and are made anew', async () => {
		const { email, client, backupCodes } = await enrolled();
		const browser = await challenged(email);
		refused(await browser.client.twoFactor.verifyBackupCode({ code: 'AAAAA-AAAAA' }), 401, 'INVALID_BACKUP_CODE');
		assert.equal(ok(await browser.client.twoFactor.verifyBackupCode({ code: backupCodes[0] })).user.email, email);
		const again = await challenged(email);
		refused(await again.client.twoFactor.verifyBackupCode({ code: backupCodes[0] }), 401, 'INVALID_BACKUP_CODE');
		refused(await client.twoFactor.generateBackupCodes({ password: 'wrong-password-1' }), 400, 'INVALID_PASSWORD');
		const fresh = ok(await client.twoFactor.generateBackupCodes({ password }));
		assert.deepEqual([fresh.status, fresh.backupCodes.length], [true, 10]);
		refused(await again.client.twoFactor.verifyBackupCode({ code: backupCodes[1] }), 401, 'INVALID_BACKUP_CODE');
		ok(await again.client.twoFactor.verifyBackupCode({ code: fresh.backupCodes[0] }));
	});

	world.check('is switched off with the password', async () => {
		const { browser, client, email } = await enrolled();
		refused(await client.twoFactor.enable({ password }), 400, 'TOTP_ALREADY_ENABLED');
		refused(await client.twoFactor.disable({ password: 'wrong-password-1' }), 400, 'INVALID_PASSWORD');
		assert.deepEqual(ok(await client.twoFactor.disable({ password })), { status: true });
		assert.equal((await browser.user()).twoFactorEnabled, false);
		assert.equal(ok(await world.visitor().client.signIn.email({ email, password })).user.email, email);
		refused(await client.twoFactor.generateBackupCodes({ password }), 400, 'TWO_FACTOR_NOT_ENABLED');
		refused(await client.twoFactor.getTotpUri({ password }), 400, 'TOTP_NOT_ENABLED');
		refused(await client.twoFactor.enable({ password: 'wrong-password-1' }), 400, 'INVALID_PASSWORD');
		refused(await world.visitor().client.twoFactor.enable({ password }), 401, 'UNAUTHORIZED');
	});
});
