// Reads a Dockerfile and a .dockerignore: as much of both as ours use. What is not understood is an error, so that
// check-image.ts never passes over a step.

export interface Copy {
  readonly kind: 'copy';
  /** Name of an earlier stage; null: the build context. */
  readonly from: string | null;
  readonly sources: readonly string[];
  readonly target: string;
}

export type Step =
  | Copy
  | { readonly kind: 'run'; readonly command: string }
  | { readonly kind: 'workdir'; readonly path: string };

export interface Stage {
  /** '' where the Dockerfile gives none. */
  readonly name: string;
  readonly image: string;
  readonly steps: Step[];
  readonly env: Record<string, string>;
  readonly ports: number[];
  user: string;
  entrypoint: readonly string[];
  command: readonly string[];
  healthCheck: readonly string[];
}

/** Instructions with their arguments on one line each, without comments. */
function instructions(text: string): string[] {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  return lines
    .join('\n')
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** The exec form only: the shell form would put a shell between the signals and the process. */
function execForm(instruction: string, text: string): readonly string[] {
  if (!text.startsWith('[')) throw new Error(`${instruction} ${text}: expected the exec form, ["program", "argument"]`);
  return JSON.parse(text) as string[];
}

function copyStep(text: string): Copy {
  const words = text.split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--'));
  const paths = words.filter((word) => !word.startsWith('--'));
  const target = paths.pop();
  if (target === undefined || paths.length === 0) throw new Error(`COPY ${text}: expected a source and a target`);
  let from: string | null = null;
  for (const flag of flags) {
    const [name, value = ''] = flag.split('=');
    if (name !== '--from') throw new Error(`COPY ${text}: ${name} is not known here`);
    from = value;
  }
  return { kind: 'copy', from, sources: paths, target };
}

function apply(stage: Stage, instruction: string, rest: string): void {
  switch (instruction) {
    case 'WORKDIR':
      stage.steps.push({ kind: 'workdir', path: rest });
      return;
    case 'COPY':
      stage.steps.push(copyStep(rest));
      return;
    case 'RUN':
      stage.steps.push({ kind: 'run', command: rest });
      return;
    case 'ENV': {
      const equals = rest.indexOf('=');
      if (equals < 0) throw new Error(`ENV ${rest}: expected NAME=value`);
      stage.env[rest.slice(0, equals)] = rest.slice(equals + 1);
      return;
    }
    case 'EXPOSE':
      stage.ports.push(...rest.split(/\s+/).map(Number));
      return;
    case 'USER':
      stage.user = rest;
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = execForm(instruction, rest);
      return;
    case 'CMD':
      stage.command = execForm(instruction, rest);
      return;
    case 'HEALTHCHECK':
      stage.healthCheck = execForm(instruction, rest.replace(/^(--\S+\s+)*CMD\s+/, ''));
      return;
    default:
      throw new Error(`${instruction} ${rest}: this instruction is not known here`);
  }
}

/** The stages in order; the last is the image. Throws on what it does not know. */
export function parseDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  for (const line of instructions(text)) {
    const [instruction, rest] = [line.split(/\s/, 1)[0].toUpperCase(), line.replace(/^\S+\s*/, '')];
    if (instruction === 'FROM') {
      const [image, as, name = ''] = rest.split(/\s+/);
      if (as !== undefined && as.toUpperCase() !== 'AS') throw new Error(`FROM ${rest}: expected AS and a name`);
      const empty = { entrypoint: [], command: [], healthCheck: [], user: 'root' };
      stages.push({ name, image, steps: [], env: {}, ports: [], ...empty });
      continue;
    }
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`${line}: FROM comes first`);
    apply(stage, instruction, rest);
  }
  return stages;
}

/** A pattern of a .dockerignore: `*` within a name (dot files too), `**` over folders. */
function patternOf(glob: string): RegExp {
  const source = glob.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll(/\*+|\?/g, (wild) => {
    if (wild === '?') return '[^/]';
    return wild === '*' ? '[^/]*' : '.*';
  });
  return new RegExp(`^${source}$`);
}

/** Whether a .dockerignore keeps a path (relative, with /) out of the build context. The last matching line decides. */
export function isIgnored(ignoreFile: string, path: string): boolean {
  const parts = path.split('/');
  const selfAndParents = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
  let ignored = false;
  for (const line of ignoreFile.split('\n')) {
    const pattern = line
      .trim()
      .replace(/^!/, '')
      .replace(/^\/|\/$/g, '');
    if (pattern === '' || line.startsWith('#')) continue;
    const matches = patternOf(pattern);
    if (selfAndParents.some((one) => matches.test(one))) ignored = !line.trim().startsWith('!');
  }
  return ignored;
}
