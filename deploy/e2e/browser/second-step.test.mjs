// Signing in in two steps, by a person with an authenticator app, a mailbox and
// ten codes on paper.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { Person, code, launch, link, phone } from './person.mjs';

const email = `grace-${randomUUID()}@example.test`;
const password = 'correct horse battery 9';
const step = 30;
let browser;
let grace;
let app;
let kept;

before(async () => {
  browser = await launch();
  grace = await Person.meet(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
});
after(async () => {
  await grace?.leave();
  await browser?.close();
});

/** Authenticator is an app that shows codes for one key (RFC 6238). */
class Authenticator {
  #key;
  #last = 0;

  constructor(base32) {
    const bits = [...base32.replace(/\s/g, '')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
    this.#key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  }

  // A code works once; the one of the next half minute is taken already.
  next() {
    this.#last = Math.max(Math.floor(Date.now() / 1000 / step), this.#last + 1);
    const count = Buffer.alloc(8);
    count.writeBigUInt64BE(BigInt(this.#last));
    const hash = createHmac('sha1', this.#key).update(count).digest();
    const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, '0');
  }
}

async function give(page, text, label = 'Code from the app', button = 'Confirm') {
  await page.getByLabel(label, { exact: true }).fill(text);
  await page.getByRole('button', { name: button, exact: true }).click();
}

const part = (page) => page.getByRole('region', { name: /^Two-step sign-in/ });
const wrong = (page) => page.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
const asked = (page) => page.waitForURL((url) => url.pathname === '/two-factor');
const arrived = (page, path) => page.waitForURL((url) => url.pathname === path);

const mailLink = (page, wish) =>
  page.evaluate(
    (body) => fetch('/api/auth/sign-in/magic-link', { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
    JSON.stringify(wish)
  );

describe('Grace', () => {
  it('has an account', async () => {
    const { page } = grace;
    await page.goto('/sign-up');
    await page.getByLabel('Name').fill('Grace Hopper');
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await page.goto(await link(email, '/api/auth/verify-email'));
    await arrived(page, '/dashboard');
  });

  it('sets up an authenticator app, which counts from its first right code on', async () => {
    const { page } = grace;
    await page.goto('/profile');
    await page.getByRole('heading', { name: 'Two-step sign-in Off' }).waitFor();
    await page.getByRole('button', { name: 'Turn on', exact: true }).click();
    await part(page).getByLabel('Password', { exact: true }).waitFor();
    assert.match(await grace.focus(), /^input second-password/);
    await page.keyboard.type('not this one');
    await page.keyboard.press('Enter');
    await wrong(page);
    await grace.look('second-step-password');
    await part(page).getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('img', { name: 'QR code for your authenticator app' }).waitFor();
    assert.match(await grace.focus(), /Add Codex to your authenticator app/);
    await grace.look('second-step-enrol');
    await page.emulateMedia({ colorScheme: 'dark' });
    await grace.look('dark-second-step-enrol');
    await page.emulateMedia({ colorScheme: null });

    await page.getByRole('button', { name: 'Copy the key' }).click();
    await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor();
    app = new Authenticator(await page.evaluate(() => navigator.clipboard.readText()));
    await give(page, '12345', 'Code from the app', 'Turn on now');
    await page.getByRole('alert').filter({ hasText: 'six digits' }).waitFor();
    const right = app.next();
    await give(page, right === '000000' ? '000001' : '000000', 'Code from the app', 'Turn on now');
    await wrong(page);
    await give(page, `${right.slice(0, 3)} ${right.slice(3)}`, 'Code from the app', 'Turn on now');
    await page.getByRole('heading', { name: 'Keep your backup codes' }).waitFor();
  });

  it('keeps ten backup codes: on the clipboard, in a file, on paper', async () => {
    const { page } = grace;
    kept = await page.locator('ol code').allTextContents();
    assert.equal(new Set(kept).size, 10);
    await grace.look('second-step-backup-codes');
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.waitForFunction((wanted) => navigator.clipboard.readText().then((text) => text === wanted), kept.join('\n'));
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
    assert.equal(download.suggestedFilename(), 'codex-backup-codes.txt');
    const file = await readFile(await download.path(), 'utf8');
    for (const one of kept) assert.ok(file.includes(one));
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.getByRole('heading', { name: 'Profile' }).isVisible(), false, 'the page around is not printed');
    assert.equal(await page.getByText(kept[9]).isVisible(), true);
    await page.emulateMedia({ media: null });
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByRole('heading', { name: 'Two-step sign-in On' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Two-step sign-in On' }).waitFor();
    await grace.look('second-step-on');
  });

  it('is asked for a code after the password, and goes on to where she wanted', async () => {
    const { page } = grace;
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
    await arrived(page, '/sign-in');
    await grace.givePassword(email, password, '/sign-in?redirect=/files');
    await asked(page);
    await grace.look('two-factor');
    await give(page, '12345');
    await page.getByRole('alert').filter({ hasText: 'six digits' }).waitFor();
    const right = app.next();
    await give(page, right === '000000' ? '000001' : '000000');
    await wrong(page);
    assert.match(await grace.focus(), /This code is wrong/, 'the focus is on the alert');
    await grace.look('two-factor-wrong');
    await give(page, right);
    await arrived(page, '/files');
    await page.goto('/two-factor');
    await arrived(page, '/dashboard');
  });

  it('gets in with a mailed code, and is not asked again on a device that she trusts', async () => {
    const other = await Person.meet(browser, { viewport: phone });
    const { page } = other;
    await other.givePassword(email, password);
    await asked(page);
    await page.getByRole('button', { name: 'Get a code by mail' }).click();
    assert.match(await other.focus(), /Send the code/);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /New code in \d+ s/ }).waitFor();
    await page.getByRole('status').filter({ hasText: 'The code is on its way.' }).waitFor();
    assert.match(await other.focus(), /^input code/);
    await other.look('two-factor-mail');
    await page.getByLabel('Trust this device').check();
    await give(page, await code(email), 'Code from the mail');
    await arrived(page, '/dashboard');
    await other.context.clearCookies({ name: /session_token$|jwt$/ });
    await other.signIn(email, password);
    await other.leave();
  });

  it('gets in with a backup code, once, in German and in the dark', async () => {
    for (const [at, dark] of [[0, true], [0, false], [1, false]]) {
      const other = await Person.meet(browser, { locale: 'de-AT', colorScheme: dark ? 'dark' : 'light' });
      const { page } = other;
      await page.goto('/sign-in');
      await page.getByLabel('E-Mail-Adresse').fill(email);
      await page.getByLabel('Passwort', { exact: true }).fill(password);
      await page.getByRole('button', { name: 'Anmelden' }).click();
      await asked(page);
      await page.getByRole('button', { name: 'Ersatzcode verwenden' }).click();
      assert.match(await other.focus(), /^input code/);
      if (dark) await other.look('german-dark-two-factor');
      await give(page, kept[at].replace('-', ' '), 'Ersatzcode', 'Bestätigen');
      if (at === 0 && !dark) await page.getByRole('alert').filter({ hasText: 'schon benutzt' }).waitFor();
      else await arrived(page, '/dashboard');
      await other.leave();
    }
  });

  it('comes by a link, and is asked as well', async () => {
    const other = await Person.meet(browser);
    const { page } = other;
    await page.goto('/sign-in');
    await mailLink(page, { email, callbackURL: '/billing' });
    await page.goto(await link(email, '/api/auth/magic-link'));
    await asked(page);
    for (const name of ['Get a code by mail', 'Use a backup code']) await page.getByRole('button', { name }).waitFor();
    await page.getByRole('button', { name: 'Get a code by mail' }).click();
    await page.getByRole('button', { name: 'Send the code' }).click();
    await page.getByRole('alert').filter({ hasText: 'Please choose another way.' }).waitFor(); // the mailbox was the first step
    await page.getByRole('button', { name: 'Use a backup code' }).click();
    await give(page, kept[2], 'Backup code');
    await arrived(page, '/billing');
    await other.leave();
  });

  it('has to begin anew after five wrong codes, and without the first step', async () => {
    const other = await Person.meet(browser);
    const { page } = other;
    await page.goto('/two-factor?redirect=/files');
    await give(page, '123456');
    await page.getByRole('alert').filter({ hasText: 'has run out' }).waitFor();
    await other.look('two-factor-over');
    await page.getByRole('link', { name: 'Sign in again' }).click();
    await page.waitForURL((url) => url.pathname === '/sign-in' && url.searchParams.get('redirect') === '/files');

    await other.givePassword(email, password);
    await asked(page);
    await page.getByRole('button', { name: 'Use a backup code' }).click();
    for (let tries = 0; tries < 5; tries++) {
      await give(page, 'aaaaa-aaaaa', 'Backup code');
      await wrong(page);
    }
    await give(page, 'aaaaa-aaaaa', 'Backup code');
    await page.getByRole('alert').filter({ hasText: 'Too many wrong codes. Please sign in again.' }).waitFor();
    await other.leave();
  });

  it('waits as long as the service asks, and is told when it is away', async () => {
    const other = await Person.meet(browser);
    const { page } = other;
    const answers = [
      { status: 503, headers: { 'retry-after': '1' }, json: { code: 'UNAVAILABLE', message: 'Away' } },
      { status: 429, headers: { 'retry-after': '2' }, json: { code: 'ACCOUNT_TEMPORARILY_LOCKED', message: 'Locked' } }
    ];
    await page.route('**/api/auth/two-factor/*', (route) => route.fulfill(answers.shift()));
    await page.goto('/two-factor');
    await give(page, '123456');
    await page.getByRole('alert').filter({ hasText: 'not available at the moment' }).waitFor();
    await give(page, '123456');
    await page.getByRole('alert').filter({ hasText: 'You can try again in 2 seconds.' }).waitFor();
    await page.getByRole('alert').filter({ hasText: 'You can try again now.' }).waitFor();
    await other.leave();
  });

  it('makes new backup codes, and turns it off', async () => {
    const { page } = grace;
    await page.goto('/profile');
    await page.getByRole('button', { name: 'New backup codes' }).click();
    await part(page).getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'New backup codes' }).click();
    await page.getByRole('heading', { name: 'Keep your backup codes' }).waitFor();
    const fresh = await page.locator('ol code').allTextContents();
    assert.equal(fresh.filter((one) => kept.includes(one)).length, 0);
    await page.getByRole('button', { name: 'I have kept them' }).click();

    await page.getByRole('button', { name: 'Turn off' }).click();
    await part(page).getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Turn off' }).click();
    await page.getByRole('heading', { name: 'Two-step sign-in Off' }).waitFor();
    assert.match(await grace.focus(), /Two-step sign-in/);
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
    await arrived(page, '/sign-in');
    await grace.signIn(email, password);
  });
});

it('asks nobody for a password who has none', async () => {
  const address = `alan-${randomUUID()}@example.test`;
  const guest = await Person.meet(browser);
  const { page } = guest;
  await page.goto('/sign-in');
  await mailLink(page, { email: address, callbackURL: '/profile' });
  await page.goto(await link(address, '/api/auth/magic-link'));
  await arrived(page, '/profile');
  await page.getByRole('button', { name: 'Turn on', exact: true }).click();
  await page.getByRole('img', { name: 'QR code for your authenticator app' }).waitFor();
  const own = new Authenticator(await page.locator('code').textContent());
  await give(page, own.next(), 'Code from the app', 'Turn on now');
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByRole('heading', { name: 'Two-step sign-in On' }).waitFor();
  await guest.leave();
});
