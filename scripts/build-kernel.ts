// Builds src/wire/kernel/kernel.wasm from kernel.as.ts; with --check only compares and exits 1 on a difference.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { kernelPages } from '../src/wire/kernel/pages.ts';

const folder = fileURLToPath(new URL('../src/wire/kernel/', import.meta.url));
const target = join(folder, 'kernel.wasm');
const work = mkdtempSync(join(tmpdir(), 'kernel-'));
try {
  const out = join(work, 'kernel.wasm');
  const { error, stderr } = await asc.main([
    join(folder, 'kernel.as.ts'),
    '-o',
    out,
    '-O3',
    '--noAssert',
    '--runtime',
    'stub',
    '--importMemory',
    '--sharedMemory',
    '--initialMemory',
    '1',
    '--maximumMemory',
    String(kernelPages),
    '--enable',
    'threads',
    '--enable',
    'bulk-memory',
  ]);
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  const built = readFileSync(out);
  if (process.argv.includes('--check')) {
    if (!built.equals(readFileSync(target))) {
      console.error('src/wire/kernel/kernel.wasm differs from its source: run npm run kernel');
      process.exitCode = 1;
    } else console.log(`kernel.wasm is what its source gives (${built.length} bytes)`);
  } else {
    writeFileSync(target, built);
    console.log(`kernel.wasm: ${built.length} bytes`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
