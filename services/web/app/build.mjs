// `npm run build`: one build at a time, since two would remove each other's files,
// and build/ is exchanged in one step, so that whoever reads it (the Go compiler
// embeds it, WEB_ROOT serves it) never finds half of it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const work = '.svelte-kit';
const lock = `${work}/build.lock`;
const patience = 5 * 60_000; // a cold build on a busy machine is in it

// A process that was killed leaves its lock behind; nobody waits for it.
function abandoned() {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function taken() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return false;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return true;
  }
}

async function alone(run) {
  mkdirSync(work, { recursive: true });
  for (const end = Date.now() + patience; taken(); await pause(200)) {
    if (abandoned()) rmSync(lock, { force: true });
    if (Date.now() > end) throw new Error(`another build holds ${lock}`);
  }
  try {
    return run();
  } finally {
    rmSync(lock, { force: true });
  }
}

function build() {
  const { status } = spawnSync('npx', ['--no-install', 'vite', 'build'], { stdio: 'inherit' });
  if (status !== 0) return status ?? 1;
  // Git keeps the folder by this file, and the Go compiler needs the folder.
  writeFileSync(`${work}/site/.gitkeep`, '');
  rmSync(`${work}/before`, { recursive: true, force: true });
  mkdirSync('build', { recursive: true });
  renameSync('build', `${work}/before`);
  renameSync(`${work}/site`, 'build');
  rmSync(`${work}/before`, { recursive: true, force: true });
  return 0;
}

process.exitCode = await alone(build);
