// Serves the contract on an empty database, for whoever measures it:
//
//	DATABASE_URL=… PORT=… node serve.mjs
import { createServer } from 'node:http';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import pg from 'pg';

const options = {
	database: new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 }),
	secret: process.env.SECRET,
	baseURL: 'http://localhost:8000',
	logger: { level: 'error' },
	rateLimit: { enabled: false },
	telemetry: { enabled: false },
	emailAndPassword: { enabled: true },
	plugins: [jwt()],
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
createServer(toNodeHandler(betterAuth(options))).listen(Number(process.env.PORT), '127.0.0.1');
