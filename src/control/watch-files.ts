// Notices that files have changed, however that was done: written in place, replaced by renaming another one over them, or by
// turning a symbolic link on the way to them (as Kubernetes does with `..data` in a mounted ConfigMap). The folders are
// watched, since a file that is replaced is another file; and all is looked at now and then, for file systems that do not tell.
import { type FSWatcher, lstatSync, readlinkSync, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Logger } from 'pino';

export interface WatchOptions {
  /** The files as they are now; asked again and again, for a configuration may come to name others. */
  files(): readonly string[];
  /** They have changed, and then stayed as they are for `quietMs`. */
  changed(): void;
  readonly log: Logger;
  /** Default 200. */
  readonly quietMs?: number;
  /** Default 5000. */
  readonly pollMs?: number;
}

export interface FileWatch {
  /** `files` may name others from now on. What has changed and was not noticed yet still will be. */
  refresh(): void;
  stop(): void;
}

/** Of links to links. */
const mostLinks = 40;

export function watchFiles(options: WatchOptions): FileWatch {
  const { log, quietMs = 200, pollMs = 5000 } = options;
  const watchers = new Map<string, FSWatcher>();
  let known = signatures(options.files(), new Map());
  let quiet: NodeJS.Timeout | undefined;

  /** Every event starts the wait anew: an editor writes in several steps. */
  function look(): void {
    const seen = signatures(options.files(), new Map());
    if (!differs(known, seen)) return;
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      const now = signatures(options.files(), new Map());
      if (differs(seen, now)) return look();
      // Before anybody reads: what changes behind that is another change.
      known = now;
      options.changed();
      follow();
    }, quietMs);
  }

  /** Watches the folders of the files and of all links on the way to them. */
  function follow(): void {
    const folders = new Set(options.files().flatMap(foldersOf));
    for (const [folder, watcher] of watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    for (const folder of folders) {
      if (!watchers.has(folder)) watchFolder(folder);
    }
  }

  function watchFolder(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, look);
      const end = (): void => {
        watcher.close();
        watchers.delete(folder);
      };
      watcher.on('error', end);
      watchers.set(folder, watcher);
    } catch (error) {
      log.debug({ folder, error: String(error) }, 'the folder cannot be watched; it is looked at every few seconds');
    }
  }

  const poll = setInterval(() => {
    // A folder that was replaced is another folder: its watcher says nothing any more.
    follow();
    look();
  }, pollMs);
  poll.unref();
  follow();
  return {
    refresh() {
      known = signatures(options.files(), known);
      follow();
    },
    stop() {
      clearInterval(poll);
      clearTimeout(quiet);
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

type Signatures = ReadonlyMap<string, string>;

/** Of each file: another one when it is another file or has been written to. Those that are `known` stay as they are. */
function signatures(files: readonly string[], known: Signatures): Signatures {
  return new Map(files.map((file) => [file, known.get(file) ?? signatureOf(file)]));
}

/** Files that only one of both knows say nothing. */
function differs(one: Signatures, other: Signatures): boolean {
  return [...other].some(([file, signature]) => signature !== (one.get(file) ?? signature));
}

function signatureOf(file: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(file);
    return [dev, ino, size, mtimeMs, ctimeMs].join();
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Of the file, and of what each link on the way stands for. */
function foldersOf(file: string): string[] {
  const folders: string[] = [];
  let path = resolve(file);
  for (let links = 0; links < mostLinks; links++) {
    folders.push(dirname(path));
    const link = firstLink(path);
    if (link === null) break;
    path = link.path;
    folders.push(link.folder);
  }
  return folders;
}

/** The first part of a path that is a symbolic link: the folder it stands in, and the path with the link followed. */
function firstLink(path: string): { folder: string; path: string } | null {
  const parts = path.split('/');
  for (let i = 2; i <= parts.length; i++) {
    const part = parts.slice(0, i).join('/');
    try {
      if (!lstatSync(part).isSymbolicLink()) continue;
      const folder = dirname(part);
      return { folder, path: resolve(folder, readlinkSync(part), ...parts.slice(i)) };
    } catch {
      return null;
    }
  }
  return null;
}
