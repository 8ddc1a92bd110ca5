// From the first visit to a bigger quota, by a person, in a real Chromium, against
// everything real but Stripe.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { Person, desk, gateway, launch, link, phone } from './person.mjs';

/** The most that the first page of a visitor may weigh, headers and all. */
const budget = 70_000;
/** The most that the layout may move while the page comes up (Core Web Vitals call 0.1 good). */
const shift = 0.02;

const email = `ada-${randomUUID()}@example.test`;
const password = 'correct horse battery 9';
let browser;
let ada;

before(async () => {
  browser = await launch();
  ada = await Person.meet(browser);
});
after(async () => {
  await ada?.leave();
  await browser?.close();
});

describe('a visitor', () => {
  it('can use the form before any script has run', async () => {
    const visitor = await Person.meet(browser, { javaScriptEnabled: false, viewport: phone });
    await visitor.page.goto('/sign-in');
    for (const [label, autocomplete] of [['E-mail address', 'username'], ['Password', 'current-password']]) {
      const field = visitor.page.getByLabel(label, { exact: true });
      await field.fill('typed early');
      assert.equal(await field.getAttribute('autocomplete'), autocomplete);
    }
    await visitor.leave();
  });

  it('may be faster than the script: what was typed and sent waits for it', async () => {
    const visitor = await Person.meet(browser);
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await visitor.page.route('**/*.js', async (route) => {
      await held;
      await route.continue();
    });
    await visitor.page.goto('/sign-in', { waitUntil: 'commit' });
    await visitor.page.getByLabel('E-mail address').fill('early@example.test');
    await visitor.page.getByLabel('Password', { exact: true }).fill('typed early too');
    await visitor.page.keyboard.press('Enter');
    assert.equal(new URL(visitor.page.url()).pathname, '/sign-in');
    release();
    await visitor.page.getByRole('alert').filter({ hasText: 'is wrong' }).waitFor();
    assert.equal(await visitor.page.getByLabel('E-mail address').inputValue(), 'early@example.test');
    await visitor.leave();
  });

  it('gets a light page that does not jump', async (t) => {
    const visitor = await Person.meet(browser, { viewport: phone });
    const network = await visitor.context.newCDPSession(visitor.page);
    await network.send('Network.enable');
    let bytes = 0;
    let requests = 0;
    network.on('Network.loadingFinished', (event) => {
      bytes += event.encodedDataLength;
      requests++;
    });
    await visitor.page.goto('/sign-in', { waitUntil: 'networkidle' });
    const moved = await visitor.page.evaluate(
      () =>
        new Promise((resolve) => {
          let sum = 0;
          const add = (list) => list.getEntries().forEach((entry) => (sum += entry.value));
          new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
          setTimeout(() => resolve(sum), 200);
        })
    );
    t.diagnostic(`sign-in page: ${bytes} bytes over the wire in ${requests} requests, layout shift ${moved.toFixed(4)}`);
    assert.ok(bytes <= budget, `${bytes} bytes over the wire, ${budget} allowed`);
    assert.ok(moved <= shift, `the layout moved by ${moved}`);
    assert.deepEqual(await visitor.page.evaluate(() => document.cookie), '', 'no cookie is open to scripts');
    await visitor.leave();
  });

  it('finds the public pages without barriers', async () => {
    const visitor = await Person.meet(browser);
    for (const page of ['/', '/sign-in', '/two-factor', '/sign-up', '/forgot-password', '/verify', '/reset-password?error=INVALID_TOKEN', '/no/such/page']) {
      await visitor.page.goto(page, { waitUntil: 'networkidle' });
      await visitor.look(`public${page.replace(/\?.*/, '').replaceAll('/', '-')}`);
    }
    await visitor.leave();
  });

  it('reads German in the dark, without anything moving', async () => {
    const visitor = await Person.meet(browser, { locale: 'de-AT', colorScheme: 'dark', reducedMotion: 'reduce' });
    const [answer] = await Promise.all([
      visitor.page.waitForResponse((response) => new URL(response.url()).pathname === '/sign-in'),
      visitor.page.goto('/sign-in', { waitUntil: 'networkidle' })
    ]);
    assert.match(await answer.text(), /Willkommen zurück/, 'the page is German before any script');
    assert.equal(await visitor.page.locator('html').getAttribute('lang'), 'de');
    const ground = await visitor.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.match(ground, /^rgb\(1?\d, /, `dark ground, not ${ground}`);
    await visitor.look('german-dark-sign-in');
    await visitor.page.getByLabel('Sprache').selectOption('en');
    await visitor.page.reload({ waitUntil: 'networkidle' });
    await visitor.page.getByRole('heading', { name: 'Welcome back' }).waitFor();
    await visitor.leave();
  });

  it('loses nothing at twice the size of letters', async () => {
    // 200 % of 640 px are 320 px, where WCAG 1.4.10 wants no sideways scroll.
    const visitor = await Person.meet(browser, { viewport: { width: 320, height: 640 } });
    for (const page of ['/', '/sign-in', '/two-factor', '/sign-up', '/verify']) {
      await visitor.page.goto(page, { waitUntil: 'networkidle' });
      await visitor.fits(page);
    }
    await visitor.leave();
  });
});

describe('Ada', () => {
  it('signs up, and is told while typing what the password misses', async () => {
    const { page } = ada;
    await page.goto('/sign-up');
    await page.getByLabel('Name').fill('Ada Lovelace');
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill('short');
    await page.getByText('3 more to go').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByText('Long enough').waitFor();
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await page.getByText(email).waitFor();
    await page.getByRole('button', { name: /Send again in \d+ s/ }).waitFor();
    await ada.look('verify-sent');
  });

  it('confirms the address by mail and is on the dashboard', async () => {
    const { page } = ada;
    const address = await link(email, '/api/auth/verify-email');
    await page.goto(address);
    await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor();
    await page.getByText('No files yet').waitFor();
    await page.getByText('of 1 GB used').first().waitFor();
    await ada.look('dashboard-empty');

    await page.goto(address); // a mail scanner, or a second click
    await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor();
    const scanner = await Person.meet(browser);
    await scanner.page.goto(address);
    await scanner.page.getByRole('heading', { name: /Your address is confirmed|Hello/ }).waitFor();
    await scanner.leave();
  });

  it('signs out, and signs in again with the keyboard alone', async () => {
    const { page } = ada;
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL((url) => url.pathname === '/sign-in' && url.search === '');

    await page.goto('/files?from=mail');
    await page.waitForURL((url) => url.pathname === '/sign-in');
    await page.keyboard.press('Tab');
    assert.match(await ada.focus(), /Skip to content/, 'the first stop skips to the content');
    await page.keyboard.press('Enter');
    assert.match(await ada.focus(), /^main/);
    await ada.tabTo(/^input email/);
    await page.keyboard.type(email);
    await ada.tabTo(/^input password/);
    await page.keyboard.type('not this one');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'The address or the password is wrong.' }).waitFor();
    assert.match(await ada.focus(), /is wrong/, 'the focus is on the alert');
    assert.equal(await page.getByLabel('E-mail address').inputValue(), email, 'the address is kept');
    await ada.look('sign-in-wrong');

    await ada.tabTo(/^input password/);
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname === '/files' && url.search === '?from=mail');
  });

  it('is not led to another host by a link', async () => {
    const { page } = ada;
    for (const target of ['https://evil.example/', '//evil.example/', '/\\evil.example']) {
      await page.goto(`/sign-in?redirect=${encodeURIComponent(target)}`);
      await page.waitForURL((url) => url.origin === gateway && url.pathname === '/dashboard');
    }
  });

  it('uploads several files and sees each arrive', async () => {
    const { page } = ada;
    await page.getByRole('link', { name: 'Files', exact: true }).click();
    const report = randomBytes(3 << 20);
    await page.getByLabel('Choose files').setInputFiles([
      { name: 'report.bin', mimeType: 'application/octet-stream', buffer: report },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('remember the engine\n') },
      { name: 'nothing.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) }
    ]);
    for (const name of ['report.bin', 'notes.txt', 'nothing.txt']) {
      await page.getByRole('row').filter({ hasText: name }).waitFor();
    }
    assert.equal(await page.getByText(/^Done · /).count(), 3);
    await page.getByText('3 MB of 1 GB used').first().waitFor();
    await ada.look('files');

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download report.bin' }).click()
    ]);
    assert.equal(download.suggestedFilename(), 'report.bin');
    assert.ok(report.equals(await readFile(await download.path())), 'what comes back is what went in');
  });

  it('keeps both of two files with one name, and is told what is too large', async () => {
    const { page } = ada;
    await page
      .getByLabel('Choose files')
      .setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('other notes\n') });
    await page.getByText('There is already a file with this name.').waitFor();
    await page.getByRole('button', { name: 'Keep both' }).click();
    await page.getByRole('row').filter({ hasText: 'notes (2).txt' }).waitFor();

    const sent = [];
    page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()));
    await page.evaluate(() => {
      const file = new File(['x'], 'universe.iso');
      Object.defineProperty(file, 'size', { value: 2 * 1024 ** 3 });
      const drop = new Event('drop', { bubbles: true, cancelable: true });
      Object.defineProperty(drop, 'dataTransfer', { value: { types: ['Files'], items: [], files: [file] } });
      dispatchEvent(drop);
    });
    await page.getByText(/^Not enough room: .* are free\.$/).waitFor();
    assert.deepEqual(sent, [], 'refused before a byte was sent');
    await page.getByRole('button', { name: 'Clear list' }).click();
  });

  it('renames and deletes with the keyboard, and the focus is never lost', async () => {
    const { page } = ada;
    await page.getByRole('button', { name: 'Rename nothing.txt' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Rename file' }).waitFor();
    assert.match(await ada.focus(), /^input new-name/);
    await page.keyboard.press('Escape');
    assert.match(await ada.focus(), /Rename nothing\.txt/, 'Escape gives the focus back');
    await page.keyboard.press('Enter');
    await Promise.all(['Escape', 'Enter'].map((key) => page.keyboard.press(key))); // at once: no key is lost
    assert.match(await ada.focus(), /^input new-name/);
    await page.keyboard.type('something');
    await page.keyboard.press('Enter');
    await page.getByRole('row').filter({ hasText: 'something.txt' }).waitFor();

    await page.getByRole('button', { name: 'Delete something.txt' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Delete this file?' });
    await dialog.waitFor();
    await ada.look('files-delete');
    assert.match(await ada.focus(), /Cancel/, 'the harmless answer has the focus');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('row').filter({ hasText: 'something.txt' }).waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.activeElement?.id.startsWith('file-'));
  });

  it('buys a plan, and the page turns by itself', async () => {
    const { page } = ada;
    await page.getByRole('link', { name: 'Billing', exact: true }).click();
    await page.getByRole('button', { name: 'Choose Pro' }).waitFor();
    await ada.look('billing-free');
    await page.getByRole('button', { name: 'Choose Pro' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click(); // first thoughts
    await page.getByText('The payment was cancelled.').waitFor();
    await page.getByRole('button', { name: 'Choose Pro' }).click();
    await page.getByRole('button', { name: 'Pay' }).click();
    await page.waitForURL((url) => url.origin === gateway && url.pathname === '/billing');
    await page.locator('main').getByText('Thank you! You are on Pro now.').waitFor();
    await page.getByRole('button', { name: 'Manage subscription' }).waitFor();
    await page.getByRole('row').filter({ hasText: '€12.00' }).waitFor();
    await page.waitForURL((url) => url.search === '');
    await page.getByText('of 100 GB used').waitFor({ timeout: 10_000 });
    await ada.look('billing-pro');
  });

  it('has a bigger quota', async () => {
    const { page } = ada;
    await page.goto('/dashboard');
    await page.locator('main').getByText('of 100 GB used').waitFor();
    await page.getByText('Renews on').waitFor();
    await ada.look('dashboard-pro');
  });

  it('changes her name', async () => {
    const { page } = ada;
    await page.getByRole('link', { name: 'Profile', exact: true }).click();
    await page.getByLabel('Name').fill('Countess Lovelace');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').filter({ hasText: 'Your name is saved' }).waitFor();
    await page.reload();
    assert.equal(await page.getByLabel('Name').inputValue(), 'Countess Lovelace');
  });

  it('sees where she is signed in, and signs out another device at once', async () => {
    const { page } = ada;
    const other = await Person.meet(browser, {
      userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      viewport: phone
    });
    await other.signIn(email, password);
    await page.reload();
    await page.getByText('This device').waitFor();
    await page.getByRole('button', { name: 'Sign out Safari on iPhone' }).click();
    await page.getByText('Safari on iPhone is signed out at once.').waitFor();
    await ada.look('profile-revoke');
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('status').filter({ hasText: 'The device is signed out' }).waitFor();
    await ada.look('profile');

    await other.page.getByRole('link', { name: 'Files', exact: true }).click();
    await other.page.waitForURL((url) => url.pathname === '/sign-in');
    await other.leave();
  });

  it('changes her password, and the old one is worth nothing', async () => {
    const { page } = ada;
    await page.getByLabel('Current password').fill(password);
    await page.getByLabel('New password').fill('a brand new passphrase');
    await page.getByRole('button', { name: 'Change password' }).click();
    await page.getByRole('status').filter({ hasText: 'Your password is changed' }).waitFor();
    const stranger = await Person.meet(browser);
    await stranger.page.goto('/sign-in');
    await stranger.page.getByLabel('E-mail address').fill(email);
    await stranger.page.getByLabel('Password', { exact: true }).fill(password);
    await stranger.page.getByRole('button', { name: 'Sign in' }).click();
    await stranger.page.getByRole('alert').filter({ hasText: 'is wrong' }).waitFor();
    await stranger.leave();
  });

  it('gets back in when the password is forgotten', async () => {
    const { page } = ada;
    await page.getByRole('button', { name: 'Sign out', exact: true }).first().click();
    await page.getByRole('link', { name: 'Forgot your password?' }).click();
    await page.getByRole('heading', { name: 'Reset your password' }).waitFor();
    await page.getByLabel('E-mail address').fill(email);
    await page.getByRole('button', { name: 'Send the link' }).click();
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    await page.goto(await link(email, '/api/auth/reset-password'));
    await page.getByLabel('New password').fill(password);
    await page.waitForURL((url) => url.pathname === '/reset-password' && url.search === '', { timeout: 5000 });
    await ada.look('reset-password');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByText('Your new password is set.').waitFor();
    await ada.signIn(email, password);
  });

  it('finds everything on a phone as well', async () => {
    const { page } = ada;
    await page.setViewportSize(phone);
    for (const name of ['Files', 'Billing', 'Profile', 'Dashboard']) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.waitForURL((url) => url.pathname === `/${name.toLowerCase()}`);
      await ada.fits(name);
    }
    await page.setViewportSize(desk);
  });
});
