// The files of a dead-letter directory: `<time>-<number>.otlp` holds one ExportTraceServiceRequest, the .json beside it why it
// is there. Names sort as the files came. A file appears whole or not at all.
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface Letter {
  /** Without its ending. */
  readonly name: string;
  /** Of both files, in whole blocks. */
  readonly bytes: number;
  /** ms since 1970. */
  readonly timeMs: number;
  /** null: written by an earlier process, its note says. */
  readonly spans: number | null;
}

/** What a file takes at least. */
const blockBytes = 4096;
/** Spans may hold what not everybody should read. */
const fileMode = 0o600;
const directoryMode = 0o700;

export const onDisk = (bytes: number): number => Math.max(1, Math.ceil(bytes / blockBytes)) * blockBytes;

/** 20261123T064712.123Z-000042 */
const namePattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})Z-\d{6,}$/;

export function letterName(timeMs: number, number: number): string {
  const time = new Date(timeMs).toISOString().replace(/[-:]/g, '');
  return `${time}-${String(number).padStart(6, '0')}`;
}

/** null: it was taken away a moment ago, as by a replay. */
async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function timeOf(name: string): number | null {
  const match = namePattern.exec(name);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, ms] = match.map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second, ms);
}

/** Letters that this process writes now. After a reload two of its extensions may have one directory for a while. */
const begun = new Set<string>();

export class LetterFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Rejects with the error of the system when the directory is not there, or cannot be written to. */
  async prepare(createsDirectory: boolean): Promise<void> {
    if (createsDirectory) await mkdir(this.#directory, { recursive: true, mode: directoryMode });
    const probe = this.#path(`probe-${process.pid}`, '.tmp');
    await (await open(probe, 'w', fileMode)).close();
    await rm(probe);
  }

  /** What earlier processes left, the oldest first. Removes what they had only begun. */
  async found(): Promise<Letter[]> {
    const sizes = new Map<string, { otlp: number; json: number }>();
    for (const file of await readdir(this.#directory)) {
      const [, name, ending] = /^(.*)(\.otlp|\.json|\.otlp\.tmp|\.json\.tmp)$/.exec(file) ?? [];
      if (name === undefined || timeOf(name) === null || begun.has(this.#path(name, ''))) continue;
      if (ending.endsWith('.tmp')) {
        await rm(join(this.#directory, file), { force: true });
        continue;
      }
      const size = await sizeOf(join(this.#directory, file));
      if (size === null) continue;
      const known = sizes.get(name) ?? { otlp: -1, json: -1 };
      sizes.set(name, ending === '.otlp' ? { ...known, otlp: size } : { ...known, json: size });
    }
    const letters: Letter[] = [];
    for (const [name, { otlp, json }] of sizes) {
      // The process ended between the two, or somebody took the spans away: a reason alone is of no use.
      if (otlp < 0) await rm(this.#path(name, '.json'), { force: true });
      else
        letters.push({
          name,
          bytes: onDisk(otlp) + (json < 0 ? 0 : onDisk(json)),
          timeMs: timeOf(name) ?? 0,
          spans: null,
        });
    }
    return letters.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Both files, or neither. Rejects with the error of the system; EEXIST: the name is taken. */
  async write(name: string, segments: readonly Buffer[], note: string): Promise<void> {
    const written: string[] = [];
    begun.add(this.#path(name, ''));
    try {
      for (const ending of ['.otlp', '.json'] as const) {
        await this.#mustBeFree(this.#path(name, ending));
        const path = `${this.#path(name, ending)}.tmp`;
        const handle = await open(path, 'wx', fileMode);
        written.push(path);
        try {
          await handle.writeFile(ending === '.otlp' ? segments : note);
          await handle.sync();
        } finally {
          await handle.close();
        }
      }
      // The note first: a file of spans that is there has its reason.
      for (const ending of ['.json', '.otlp'] as const) {
        const path = this.#path(name, ending);
        await rename(`${path}.tmp`, path);
        written.push(path);
      }
    } catch (error) {
      for (const path of written) await rm(path, { force: true }).catch(() => {});
      throw error;
    } finally {
      begun.delete(this.#path(name, ''));
    }
    await this.#syncDirectory();
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name, '.otlp'), { force: true });
    await rm(this.#path(name, '.json'), { force: true });
  }

  /** Of its note; 0 when that cannot be read. */
  async spansOf(name: string): Promise<number> {
    try {
      const { spans } = JSON.parse(await readFile(this.#path(name, '.json'), 'utf8')) as { spans?: unknown };
      return typeof spans === 'number' && spans > 0 ? spans : 0;
    } catch {
      return 0;
    }
  }

  /** Whether somebody has taken it away: replayed, or by hand. */
  async isGone(name: string): Promise<boolean> {
    try {
      await stat(this.#path(name, '.otlp'));
      return false;
    } catch {
      return true;
    }
  }

  async #mustBeFree(path: string): Promise<void> {
    try {
      await stat(path);
    } catch {
      return;
    }
    throw Object.assign(new Error(`${path} is there already`), { code: 'EEXIST' });
  }

  /** So that the names survive a power cut. Not every file system can; the files are there then, too. */
  async #syncDirectory(): Promise<void> {
    try {
      const handle = await open(this.#directory, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch {
      return;
    }
  }

  #path(name: string, ending: string): string {
    return join(this.#directory, name + ending);
  }
}
