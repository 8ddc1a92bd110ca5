// Somebody with a browser: opens pages, reads mails, and looks closely at what is
// on the screen.
//
//   GATEWAY_URL   the front door of a running system, as people type it
//   INBOX_URL     the development inbox
//   CHROMIUM      the browser to use; default: the first one found on PATH
//   ARTIFACTS     where pictures go; default: artifacts/browser in the repository
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const gateway = need('GATEWAY_URL').replace(/\/$/, '');
const inbox = need('INBOX_URL').replace(/\/$/, '');
const here = path.dirname(fileURLToPath(import.meta.url));
const artifacts = process.env.ARTIFACTS ?? path.join(here, '../../../artifacts/browser');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** The widths at which every page is looked at: a phone and a desk. */
export const phone = { width: 390, height: 844 };
export const desk = { width: 1440, height: 900 };

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}: this journey needs a running system (make dev)`);
  return value;
}

function find() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
    try {
      return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    } catch {
      // The next one, then.
    }
  }
  throw new Error('no Chromium on PATH: apt-get install chromium, or set CHROMIUM');
}

/** launch starts one browser for all people of a test run. */
export function launch() {
  mkdirSync(artifacts, { recursive: true });
  // As root, which continuous integration is, Chromium has no sandbox to offer.
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const quiet = ['--disable-gpu', '--disable-quic', '--disable-dev-shm-usage', '--no-first-run'];
  const still = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath: find(), args: [...root, ...quiet, ...still] });
}

/** Person is one browser profile with one open page. */
export class Person {
  /** What went wrong on the page without anybody noticing. */
  faults = [];

  static async meet(browser, options = {}) {
    const person = new Person();
    person.context = await browser.newContext({ viewport: desk, locale: 'en-US', baseURL: gateway, ...options });
    person.page = await person.context.newPage();
    person.page.on('pageerror', (error) => person.faults.push(`error: ${error.message}`));
    person.page.on('console', (message) => person.heard(message));
    return person;
  }

  // A refused request is part of a journey; a warning or a broken policy is not.
  heard(message) {
    const text = message.text();
    if (!['error', 'warning'].includes(message.type()) || text.startsWith('Failed to load resource')) return;
    if (/^Not found: \//.test(text)) return; // the framework's note of an address without a page
    this.faults.push(`${message.type()}: ${text}`);
  }

  async leave() {
    await this.context.close();
    assert.deepEqual(this.faults, [], 'the console stayed clean');
  }

  /** look takes a picture at both widths and searches each for barriers. */
  async look(name) {
    const before = this.page.viewportSize();
    for (const size of [phone, desk]) {
      await this.page.setViewportSize(size);
      await this.page.screenshot({
        path: path.join(artifacts, `${name}-${size.width}.png`),
        fullPage: true,
        animations: 'disabled'
      });
      await this.fits(name);
      await this.accessible(`${name} at ${size.width}`);
    }
    await this.page.setViewportSize(before);
  }

  async fits(name) {
    const over = await this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(over <= 0, `${name}: ${over} px to scroll sideways at ${this.page.viewportSize().width}`);
  }

  async accessible(what) {
    await this.page.evaluate(axe); // through the debugger: the page's own policy stays in force
    const found = await this.page.evaluate(async (runOnly) => {
      const { violations } = await globalThis.axe.run(document, { runOnly });
      return violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' | ')}`);
    }, rules);
    assert.deepEqual(found, [], `axe on ${what}`);
  }

  /** focus says what the keyboard is on. */
  focus() {
    return this.page.evaluate(() => {
      const at = document.activeElement;
      return `${at.tagName.toLowerCase()} ${at.getAttribute('aria-label') ?? at.id ?? ''} ${at.textContent.trim().slice(0, 60)}`
        .replace(/\s+/g, ' ')
        .trim();
    });
  }

  /** tabTo presses Tab until the focus is on something, as somebody without a mouse does. */
  async tabTo(pattern, limit = 40) {
    for (let pressed = 0; pressed < limit; pressed++) {
      await this.page.keyboard.press('Tab');
      if (pattern.test(await this.focus())) return;
    }
    assert.fail(`${limit} times Tab does not lead to ${pattern}; the focus is on ${await this.focus()}`);
  }

  async signIn(email, password) {
    await this.givePassword(email, password);
    await this.page.waitForURL((url) => url.pathname === '/dashboard');
  }

  /** givePassword is the first step of signing in, the only one for most people. */
  async givePassword(email, password, page = '/sign-in') {
    await this.page.goto(page);
    await this.page.getByLabel('E-mail address').fill(email);
    await this.page.getByLabel('Password', { exact: true }).fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }
}

/** link waits for a mail and gives the first link in it that leads to this path. */
export function link(to, prefix) {
  const leads = (address) => new URL(address).pathname.startsWith(prefix);
  return mailed(to, `a link to ${prefix}`, (text) => (text.match(/https?:\/\/\S+/g) ?? []).find(leads));
}

/** code waits for a mail and gives the six digits in it. */
export function code(to) {
  return mailed(to, 'a code', (text) => /^\s*(\d{6})\s*$/m.exec(text)?.[1]);
}

// The newest mail comes first.
async function mailed(to, what, find) {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    const { messages } = await (await fetch(`${inbox}/api/v1/search?query=${encodeURIComponent(`to:${to}`)}`)).json();
    for (const { ID } of messages) {
      const { Text } = await (await fetch(`${inbox}/api/v1/message/${ID}`)).json();
      const found = find(Text);
      if (found) return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no mail to ${to} with ${what}`);
}
