// Contract §14.1.
import assert from 'node:assert/strict';
import { address, ok, password, refused, required, section } from './harness.mjs';

section('administration', (world) => {
	// someone is a person and an administrator who looks at them.
	const someone = async () => {
		const [person, root] = [await world.person(), await world.administrator()];
		return { person, id: (await person.browser.user()).id, root, admin: root.client.admin };
	};

	world.check('finds people', async () => {
		const { person, id, admin } = await someone();
		const { users, total, limit } = ok(await admin.listUsers({ query: { searchField: 'email', searchOperator: 'starts_with', searchValue: person.email, limit: 5, sortBy: 'createdAt', sortDirection: 'desc' } }));
		assert.deepEqual([users.map((user) => user.id), total, limit], [[id], 1, 5]);
		assert.equal(ok(await admin.getUser({ query: { id } })).email, person.email);
		refused(await admin.getUser({ query: { id: 'nobody' } }), 404, 'USER_NOT_FOUND');
		const { client } = person;
		refused(await client.admin.listUsers({ query: {} }), 403, 'YOU_ARE_NOT_ALLOWED_TO_LIST_USERS');
		refused(await client.admin.getUser({ query: { id } }), 403, 'YOU_ARE_NOT_ALLOWED_TO_GET_USER');
		assert.equal((await world.visitor().client.admin.listUsers({ query: {} })).error.status, 401);
	});

	world.check('makes, changes and removes people', async () => {
		const { person, root, admin } = await someone();
		const email = address();
		const { user } = ok(await admin.createUser({ email, name: 'Grace', password }));
		assert.deepEqual([user.email, user.role], [email, 'user']);
		refused(await admin.createUser({ email, name: 'Grace', password }), 400, 'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL');
		refused(await admin.createUser({ email: address(), name: 'X', password, role: 'no-role' }), 400, 'YOU_ARE_NOT_ALLOWED_TO_SET_NON_EXISTENT_VALUE');
		assert.equal(ok(await admin.updateUser({ userId: user.id, data: { name: 'Grace Hopper' } })).name, 'Grace Hopper');
		refused(await admin.updateUser({ userId: user.id, data: {} }), 400, 'NO_DATA_TO_UPDATE');
		refused(await admin.updateUser({ userId: user.id, data: { password: 'x' } }), 400, 'PASSWORD_CANNOT_BE_UPDATED_VIA_UPDATE_USER');
		assert.equal(ok(await admin.setRole({ userId: user.id, role: 'admin' })).user.role, 'admin');
		refused(await admin.setUserPassword({ userId: user.id, newPassword: 'short' }), 400, 'PASSWORD_TOO_SHORT');
		assert.deepEqual(ok(await admin.setUserPassword({ userId: user.id, newPassword: 'second-passphrase-2' })), { status: true });
		const signedIn = await world.visitor().client.signIn.email({ email, password: 'second-passphrase-2' });
		if (required) refused(signedIn, 403, 'EMAIL_NOT_VERIFIED');
		else assert.equal(ok(signedIn).user.role, 'admin');
		const self = (await root.user()).id;
		refused(await admin.removeUser({ userId: self }), 400, 'YOU_CANNOT_REMOVE_YOURSELF');
		assert.deepEqual(ok(await admin.removeUser({ userId: user.id })), { success: true });
		refused(await admin.getUser({ query: { id: user.id } }), 404, 'USER_NOT_FOUND');
		for (const [name, body, what] of [
			['createUser', { email: address(), name: 'X', password }, 'CREATE_USERS'], ['updateUser', { userId: self, data: { name: 'X' } }, 'UPDATE_USERS'],
			['setRole', { userId: self, role: 'user' }, 'CHANGE_USERS_ROLE'], ['removeUser', { userId: self }, 'DELETE_USERS'],
			['setUserPassword', { userId: self, newPassword: 'second-passphrase-2' }, 'SET_USERS_PASSWORD'],
		]) refused(await person.client.admin[name](body), 403, `YOU_ARE_NOT_ALLOWED_TO_${what}`);
	});

	world.check('bans and lifts the ban', async () => {
		const { person, id, root, admin } = await someone();
		const { user } = ok(await admin.banUser({ userId: id, banReason: 'spam' }));
		assert.deepEqual([user.banned, user.banReason], [true, 'spam']);
		assert.equal(await person.browser.user(), null);
		refused(await world.visitor().client.signIn.email({ email: person.email, password }), 403, 'BANNED_USER');
		assert.equal(ok(await admin.unbanUser({ userId: id })).user.banned, false);
		const again = await world.signedIn(person.email);
		refused(await admin.banUser({ userId: (await root.user()).id }), 400, 'YOU_CANNOT_BAN_YOURSELF');
		refused(await again.client.admin.banUser({ userId: id }), 403, 'YOU_ARE_NOT_ALLOWED_TO_BAN_USERS');
		refused(await again.client.admin.unbanUser({ userId: id }), 403, 'YOU_ARE_NOT_ALLOWED_TO_BAN_USERS');
	});

	world.check('acts as somebody, and stops', async () => {
		const { person, id, root, admin } = await someone();
		const own = (await root.user()).id;
		const { session, user } = ok(await admin.impersonateUser({ userId: id }));
		assert.deepEqual([user.id, session.impersonatedBy], [id, own]);
		assert.ok(root.cookie('admin_session'));
		assert.doesNotMatch(root.cookie('session_token'), /Max-Age/);
		assert.equal((await root.user()).email, person.email);
		assert.equal(ok(await admin.stopImpersonating()).user.id, own);
		assert.equal((await root.user()).id, own);
		assert.equal((await admin.stopImpersonating()).error.status, 400);
		const { user: other } = ok(await admin.createUser({ email: address(), name: 'Other', password, role: 'admin' }));
		refused(await admin.impersonateUser({ userId: other.id }), 403, 'YOU_CANNOT_IMPERSONATE_ADMINS');
		refused(await person.client.admin.impersonateUser({ userId: other.id }), 403, 'YOU_ARE_NOT_ALLOWED_TO_IMPERSONATE_USERS');
		ok(await admin.removeUser({ userId: other.id }));
	});

	world.check("ends somebody's sessions", async () => {
		const { person, id, admin } = await someone();
		const other = await world.signedIn(person.email);
		const { sessions } = ok(await admin.listUserSessions({ userId: id }));
		assert.equal(sessions.length, 2);
		for (const { token } of sessions.slice(0, 1)) assert.deepEqual(ok(await admin.revokeUserSession({ sessionToken: token })), { success: true });
		assert.equal(ok(await admin.listUserSessions({ userId: id })).sessions.length, 1);
		refused(await (await world.person()).client.admin.listUserSessions({ userId: id }), 403, 'YOU_ARE_NOT_ALLOWED_TO_LIST_USERS_SESSIONS');
		assert.deepEqual(ok(await admin.revokeUserSessions({ userId: id })), { success: true });
		assert.deepEqual([await person.browser.user(), await other.user()], [null, null]);
	});

	world.check('tells what somebody may, and what happened', async () => {
		const { person, id, root, admin } = await someone();
		assert.deepEqual(ok(await admin.hasPermission({ permissions: { user: ['ban'] } })), { error: null, success: true });
		assert.deepEqual(ok(await person.client.admin.hasPermission({ permissions: { user: ['ban'] } })), { error: null, success: false });
		const events = ok(await root.client.$fetch('/admin/audit-events', { query: { userId: id } }));
		assert.ok(JSON.stringify(events).includes(id));
		assert.equal((await person.client.$fetch('/admin/audit-events')).error.status, 403);
	});
});
