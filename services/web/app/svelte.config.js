import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

// The pages that are rendered at build time, so that their forms can be used
// before any script has run. Each exists once per language; the server picks by
// Accept-Language (see internal/site). Everything else is the shell, 200.html.
const pages = ['/', '/sign-in', '/two-factor', '/sign-up', '/verify', '/forgot-password', '/reset-password'];
const translations = ['de'];

// The version is the hash of what is built: the same sources give the same
// files, and an open tab notices a release (Kit then loads the next page whole).
function version() {
  const hash = createHash('sha256');
  const files = ['src', 'static']
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .concat('package-lock.json', 'svelte.config.js')
    .sort();
  for (const file of files) hash.update(file).update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

// The page's one script of our own stands in app.html; the policy names its hash.
function earlyScript() {
  const source = /<script>([^]*?)<\/script>/.exec(readFileSync('src/app.html', 'utf8'))?.[1] ?? '';
  return /** @type {const} */ (`sha256-${createHash('sha256').update(source).digest('base64')}`);
}

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  kit: {
    // Where it is made; build.mjs moves it to build/ when it is whole.
    adapter: adapter({ pages: '.svelte-kit/site', fallback: '200.html', precompress: true, strict: true }),
    version: { name: version() },
    // Absolute addresses: a page keeps working when it is served in place of another.
    paths: { relative: false },
    prerender: {
      entries: [...pages, ...translations.flatMap((code) => pages.map((page) => `/${code}${page}`))]
    },
    csp: {
      mode: 'hash',
      directives: {
        'default-src': ['none'],
        'script-src': ['self', earlyScript()],
        'style-src': ['self'],
        // The one style attribute Kit writes itself, on its route announcer.
        'style-src-attr': ['unsafe-hashes', 'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='],
        'img-src': ['self', 'data:'],
        'font-src': ['self'],
        'connect-src': ['self'],
        'manifest-src': ['self'],
        'form-action': ['self'],
        'base-uri': ['none'],
        'object-src': ['none'],
        'require-trusted-types-for': ['script'],
        'trusted-types': ['svelte-trusted-html', 'sveltekit-trusted-url']
      }
    }
  }
};
