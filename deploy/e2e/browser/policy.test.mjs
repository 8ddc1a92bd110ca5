// A page into which somebody has smuggled a script: the browser does not run it,
// and says so to the operators.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Person, launch } from './person.mjs';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const reported = (page, directive) =>
  page.waitForResponse(async (answer) => {
    const request = answer.request();
    return new URL(request.url()).pathname === '/csp-reports' && request.postDataJSON()?.['csp-report']['effective-directive'].startsWith(directive);
  });

describe('A smuggled script', () => {
  for (const [what, directive, smuggle] of [
    ['inline', 'require-trusted-types-for', () => {
      const script = document.createElement('script');
      script.append('globalThis.smuggled = true');
      document.head.append(script);
    }],
    ['as an attribute', 'require-trusted-types-for', () => {
      document.body.setAttribute('onclick', 'globalThis.smuggled = true');
      document.body.click();
    }],
    ['of a stranger as a picture', 'img-src', () => {
      new Image().src = 'https://stranger.example.test/x.png?secret';
    }]
  ]) {
    it(`${what} is blocked and reported`, async () => {
      const person = await Person.meet(browser);
      const { page } = person;
      await page.goto('/');
      const report = reported(page, directive);
      await page.evaluate(smuggle).catch((error) => assert.match(error.message, /Trusted/));
      assert.equal((await report).status(), 204);
      assert.equal(await page.evaluate(() => globalThis.smuggled), undefined);
      const blocked = person.faults.splice(0);
      assert.ok(blocked.length > 0 && blocked.every((fault) => /Content Security Policy|Trusted/.test(fault)), `the console said ${blocked}`);
      await person.leave();
    });
  }
});
