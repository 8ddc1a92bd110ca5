import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';

// `npm run dev` works against a running Codex: everything that is not the app
// itself goes to the gateway, under the gateway's own origin.
const gateway = process.env.GATEWAY_URL ?? 'http://localhost:8000';
const through = { target: gateway, headers: { origin: new URL(gateway).origin } };

// What a first visit needs travels in few files: each further one costs a request
// and some 900 bytes of headers. What only signed-in pages need stays out of it.
const later =
  /src\/lib\/(upload|i18n\/de|account|api|checkout|copy|device|format|kind|leave|loaded|qr|second-factor)|components\/(Confirm|Dialog|Empty|FileIcon|Meter|Payments|PlanState|Trouble)|node_modules\/uqr\//;
const first = /src\/(lib\/|app\.css|routes\/\+|routes\/\(account\)\/(\+|sign-in))/;

function chunk(id: string): string | undefined {
  if (later.test(id)) return undefined;
  if (/node_modules\/(svelte|@sveltejs|esm-env|clsx)\//.test(id)) return 'runtime';
  if (/node_modules\//.test(id)) return 'auth';
  return first.test(id) ? 'parts' : undefined;
}

export default defineConfig({
  plugins: [sveltekit()],
  build: {
    target: 'es2022',
    rollupOptions: { output: { manualChunks: chunk } }
  },
  server: {
    port: 5173,
    proxy: { '/api': through, '/.well-known': through }
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' }
});
