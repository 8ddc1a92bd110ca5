// Every section in one process, side by side.
import { readdirSync } from 'node:fs';
import { describe } from 'node:test';

describe('the contract', { concurrency: 4 }, async () => {
	for (const file of readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.mjs'))) await import(`./${file}`);
});
