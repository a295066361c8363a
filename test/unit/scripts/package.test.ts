// What `npm ci` on a fresh machine depends on.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, '../../..');
const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
const entries: Readonly<Record<string, LockEntry>> = JSON.parse(lockText).packages;
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Node's way of finding a package from a place in the tree: here, then in each folder above. */
function isInstalled(name: string, from: string): boolean {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    if (entries[`${place === '' ? '' : `${place}/`}node_modules/${name}`] !== undefined) return true;
    if (place === '') return false;
  }
}

test('package-lock.json names no registry: every machine uses its own', () => {
  assert.doesNotMatch(lockText, /"resolved"/);
  // Addresses that remain are those where maintainers take money or tell of themselves.
  assert.doesNotMatch(lockText, /https?:\/\/[^"]*\.tgz/);
});

test('package-lock.json holds every package with its hash, those for other platforms too: else npm ci refuses it', () => {
  const missing: string[] = [];
  for (const [path, entry] of Object.entries(entries)) {
    if (path !== '' && entry.integrity === undefined) missing.push(`integrity of ${path}`);
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      if (!isInstalled(name, path)) missing.push(`${name}, which ${path} needs`);
    }
  }
  assert.ok(Object.keys(entries).length > 100);
  assert.deepEqual(missing, []);
});

test('dependencies are given as exact versions', () => {
  const versions = Object.entries<string>({ ...manifest.dependencies, ...manifest.devDependencies });
  const loose = versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
  assert.deepEqual(loose, []);
});

test('every install script is allowed or denied by name: npm runs none that nobody decided on', () => {
  const withScripts = Object.keys(entries).filter((path) => entries[path].hasInstallScript);
  const decided = Object.keys(manifest.allowScripts);
  assert.deepEqual([...new Set(withScripts.map(nameOf))].sort(), decided.sort());
  // Brings Node itself.
  assert.equal(manifest.allowScripts.node, true);
});

test('tests run on the Node that is pinned', () => {
  assert.equal(process.versions.node, manifest.devDependencies.node);
});

test('the launchers can be executed', () => {
  for (const path of Object.values<string>(manifest.bin)) assert.ok(statSync(join(root, path)).mode & 0o111, path);
});
