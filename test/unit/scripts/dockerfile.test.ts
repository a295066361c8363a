import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isIgnored, parseDockerfile } from '../../../scripts/dockerfile.ts';

const root = join(import.meta.dirname, '../../..');

test('a Dockerfile is read into stages with their steps, comments and continued lines apart', () => {
  const stages = parseDockerfile(
    [
      '# comment',
      'FROM node:1-slim AS build',
      'WORKDIR /app',
      'COPY a b ./',
      '# another',
      'RUN one && \\',
      '  two',
      '',
      'from node:1-slim',
      'ENV MODE=prod=x',
      'COPY --from=build /app/dist dist',
      'USER node',
      'EXPOSE 1 2',
      'HEALTHCHECK --interval=1s \\',
      '  CMD ["node", "-e", "1"]',
      'ENTRYPOINT ["/app/run"]',
      'CMD ["x"]',
    ].join('\n'),
  );
  const plain = { env: {}, ports: [], user: 'root', entrypoint: [], command: [], healthCheck: [] };
  assert.deepEqual(stages, [
    {
      ...plain,
      name: 'build',
      image: 'node:1-slim',
      steps: [
        { kind: 'workdir', path: '/app' },
        { kind: 'copy', from: null, sources: ['a', 'b'], target: './' },
        { kind: 'run', command: 'one && two' },
      ],
    },
    {
      name: '',
      image: 'node:1-slim',
      steps: [{ kind: 'copy', from: 'build', sources: ['/app/dist'], target: 'dist' }],
      env: { MODE: 'prod=x' },
      ports: [1, 2],
      user: 'node',
      entrypoint: ['/app/run'],
      command: ['x'],
      healthCheck: ['node', '-e', '1'],
    },
  ]);
});

for (const [what, text] of [
  ['an instruction that it does not know', 'FROM a\nVOLUME /x'],
  ['an instruction before FROM', 'RUN x'],
  ['the shell form of ENTRYPOINT', 'FROM a\nENTRYPOINT /app/run'],
  ['the shell form of CMD', 'FROM a\nCMD run'],
  ['a flag of COPY that it does not know', 'FROM a\nCOPY --chmod=1 a b'],
  ['COPY without a target', 'FROM a\nCOPY a'],
  ['ENV without a value', 'FROM a\nENV A'],
] as const) {
  test(`${what} is refused, not passed over`, () => {
    assert.throws(() => parseDockerfile(text));
  });
}

test('the last line of a .dockerignore that matches a path or a folder above it decides', () => {
  const file = '# comment\n*\n!src\n!package.json\nsrc/secret\n';
  const kept = ['src', 'src/a.ts', 'src/b/c.ts', 'package.json'];
  const ignored = ['dist', 'node_modules/x/y', 'src/secret', 'src/secret/key', '.git/config', 'package.jsonx'];
  assert.deepEqual(
    kept.filter((path) => isIgnored(file, path)),
    [],
  );
  assert.deepEqual(
    ignored.filter((path) => !isIgnored(file, path)),
    [],
  );
});

test('our image runs the Node that development is pinned to, not as root, and drains on SIGTERM', () => {
  const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const { image } of stages) assert.equal(image, `node:${devDependencies.node}-slim`);
  const image = stages.at(-1);
  assert.equal(image?.user, 'node');
  assert.ok(image.healthCheck.length > 0);
  // The launcher replaces itself: the process that gets the signal is Node.
  assert.deepEqual(image.entrypoint, ['/app/bin/spanmill']);
  assert.match(readFileSync(join(root, 'bin/spanmill'), 'utf8'), /^exec "\$node"/m);
});

test('all that the Dockerfile copies from the project is let through by .dockerignore', () => {
  const ignoreFile = readFileSync(join(root, '.dockerignore'), 'utf8');
  const steps = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8')).flatMap((stage) => stage.steps);
  const copied = steps.flatMap((step) => (step.kind === 'copy' && step.from === null ? step.sources : []));
  assert.ok(copied.length > 5);
  assert.deepEqual(
    copied.filter((path) => isIgnored(ignoreFile, path)),
    [],
  );
});
