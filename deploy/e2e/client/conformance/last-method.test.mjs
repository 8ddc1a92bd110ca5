// Contract §2: the hint how somebody signed in the last time.
import assert from 'node:assert/strict';
import { attributes, leads, letter, link, address, ok, password, section } from './harness.mjs';

section('the last method', (world) => {
	world.check('is kept in a cookie that scripts read', async () => {
		const { email } = await world.proven();
		const browser = world.visitor();
		ok(await browser.client.signIn.email({ email, password }));
		const line = attributes(browser, 'last_used_login_method', 'Max-Age=2592000', 'Path=/', 'SameSite=Lax');
		assert.match(line, /=email;/);
		const other = address();
		ok(await browser.client.signIn.magicLink({ email: other, callbackURL: '/home' }));
		leads(await browser.open(link(await letter(other), '/magic-link/verify')), '/home');
		assert.match(browser.cookie('last_used_login_method'), /=magic-link;/);
	});
});
