// Makes dist/ for the image and the package: src/ and loadgen/ as JavaScript, and beside it what the code reads at run time, so that
// every path relative to import.meta.url leads to the same thing as in a checkout.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (tsc.status !== 0) {
  console.error('dist/ was not built: the sources have type errors');
  process.exit(1);
}

// Whatever tsc does not make: the kernel's WebAssembly, the profiles, the parts of the report's page.
for (const folder of ['src', 'loadgen']) {
  cpSync(join(root, folder), join(dist, folder), { recursive: true, filter: (path) => extname(path) !== '.ts' });
}
cpSync(join(root, 'proto'), join(dist, 'proto'), { recursive: true });
// For main.ts, which says its version, and for Node, which must know that these are ES modules.
const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`);
