import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createTraceSources } from '../../../../loadgen/profile/draw.ts';
import { builtInProfiles, parseProfile, readProfile } from '../../../../loadgen/profile/load.ts';
import { SpanmillError } from '../../../../src/errors.ts';
import { defaults, profileText } from './small-profiles.ts';

const folder = mkdtempSync(join(tmpdir(), 'profiles-'));
after(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const refusal = (name: string): SpanmillError => {
  try {
    readProfile(name);
  } catch (error) {
    assert.ok(error instanceof SpanmillError);
    assert.doesNotMatch(error.message, /\n/);
    return error;
  }
  return assert.fail(`${name} was read`);
};

test('the profiles of the issue are built in, and all are right', () => {
  assert.deepEqual(builtInProfiles(), ['collector', 'gateway', 'mixed', 'prompt', 'retrieval', 'streaming']);
  for (const name of builtInProfiles()) assert.deepEqual(parseProfile(readProfile(name)).issues, [], name);
});

test('an unknown name is told with the nearest built-in one, or with all of them', () => {
  const near = refusal('gatway');
  assert.equal(near.code, 'USAGE');
  assert.equal(near.message, 'unknown profile "gatway"; did you mean "gateway"? (or give a file, as ./gatway.yaml)');
  assert.match(refusal('qwertz').message, /^unknown profile "qwertz"; there are: collector, gateway, mixed, /);
});

test('a file that cannot be read is told with its path and the reason', () => {
  const missing = refusal(join(folder, 'none.yaml'));
  assert.equal(missing.code, 'CONFIG_READ');
  assert.equal(missing.message, `cannot read the profile ${join(folder, 'none.yaml')}: there is no such file`);
  assert.match(refusal(`${folder}/`).message, /: it is a folder$/);
});

test('a file that is larger than any profile is not read', () => {
  const path = write('large.yaml', '#'.repeat(2 ** 20 + 1));
  const { code, message } = refusal(path);
  assert.equal(code, 'CONFIG_READ');
  assert.equal(message, `the profile ${path} has 1048577 bytes; a profile has 1 MiB at most`);
  assert.equal(readProfile(write('largest.yaml', '#'.repeat(2 ** 20))).text.length, 2 ** 20);
});

test('a file is named in messages as it was given', () => {
  const path = write('wrong.yaml', 'description: 1\n');
  const { profile, issues } = parseProfile(readProfile(path));
  assert.equal(profile, null);
  assert.ok(issues.length > 0 && issues.every(({ file }) => file === path));
});

test('the parts of a mix are built-in profiles and files beside it, and weigh what the mix says', () => {
  mkdirSync(join(folder, 'parts'));
  const part = write('parts/own.yaml', profileText({ request: { name: 'own' } }));
  const mix = write('mix.yaml', 'description: a mix\nmix: { parts/own.yaml: 3, gateway: 1, collector: 0 }\n');
  const text = readProfile(mix);
  assert.deepEqual(
    text.parts.map(({ name }) => name),
    [part, 'gateway', 'collector'],
  );
  const { profile, issues } = parseProfile(text);
  assert.deepEqual(issues, []);
  assert.ok(profile?.kind === 'mix');
  const sources = createTraceSources(profile, defaults);
  assert.deepEqual(
    sources.map(({ weight }) => weight),
    [3, 1],
  );
  assert.deepEqual(
    sources[0]?.source.next().spans.map(({ name }) => name),
    ['own'],
  );
  assert.ok((sources[1]?.source.next().spans.length ?? 0) > 0);
});

test('a mix that names what there is not says so in one line, with the mix', () => {
  const mix = write('wrong-mix.yaml', 'description: a mix\nmix: { gatway: 1 }\n');
  assert.equal(
    refusal(mix).message,
    `unknown profile "gatway" in the mix of ${mix}; did you mean "gateway"? (or give a file, as ./gatway.yaml)`,
  );
  const lost = write('lost-mix.yaml', 'description: a mix\nmix: { ./lost.yaml: 1 }\n');
  assert.equal(refusal(lost).code, 'CONFIG_READ');
});

test('what was read is plain data that another process can have', () => {
  const text = readProfile('mixed');
  assert.ok(text.parts.length > 1);
  const copy = structuredClone(text);
  assert.deepEqual(copy, text);
  assert.deepEqual(parseProfile(copy), parseProfile(text));
});
