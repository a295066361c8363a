// The queue of one owner in the store.
import type { StoredEntry, StoredQueue } from '../../component/capabilities.ts';
import { SpanmillError } from '../../errors.ts';
import type { EntryKey } from './keys.ts';
import type { Store } from './store.ts';

/** Clients' metadata may make each another. */
const mostKnownTags = 1000;

/** `onClose` is called once, when it begins to close, with what resolves when it has. Rejects with a SpanmillError STORAGE. */
export async function openQueue(
  store: Store,
  owner: string,
  onClose: (closed: Promise<void>) => void,
): Promise<StoredQueue> {
  const recovered = await listAll(store, owner);
  /** What is stored and was not removed. */
  const entries = new Map(recovered.map((entry) => [entry.key, entry]));
  let last = recovered.at(-1)?.key ?? 0;
  /** What was asked and is not done. */
  const underWay = new Set<Promise<unknown>>();
  let closed: Promise<void> | null = null;

  function ask<T>(run: () => Promise<T>): Promise<T> {
    if (closed !== null) return Promise.reject(new SpanmillError('STORAGE', `the stored queue of ${owner} is closed`));
    const done = run();
    underWay.add(done);
    const forget = (): void => void underWay.delete(done);
    done.then(forget, forget);
    return done;
  }

  async function append(segments: readonly Buffer[], count: number, tag: string): Promise<StoredEntry> {
    const length = segments.reduce((sum, segment) => sum + segment.length, 0);
    const entry: EntryKey = { owner, key: ++last, spans: count, bytes: length, tag };
    await store.append(entry, segments);
    entries.set(entry.key, entry);
    return entry;
  }

  async function remove(unwanted: readonly StoredEntry[]): Promise<void> {
    const known = unwanted.flatMap(({ key }) => {
      const entry = entries.get(key);
      return entry !== undefined && entries.delete(key) ? [entry] : [];
    });
    if (known.length === 0) return;
    try {
      await store.remove(known);
    } catch (error) {
      for (const entry of known) entries.set(entry.key, entry);
      throw error;
    }
  }

  function read({ key }: StoredEntry): Promise<Buffer> {
    const entry = entries.get(key);
    if (entry !== undefined) return store.read(entry);
    return Promise.reject(new SpanmillError('STORAGE', `the stored queue of ${owner} has no entry ${key}`));
  }

  return {
    recovered,
    append: (segments, count, tag) => ask(() => append(segments, count, tag)),
    read: (entry) => ask(() => read(entry)),
    remove: (unwanted) => ask(() => remove(unwanted)),
    close() {
      if (closed === null) {
        closed = Promise.allSettled(underWay).then(() => undefined);
        onClose(closed);
      }
      return closed;
    },
  };
}

/** In order. Entries of one pipeline share a text for its tag. */
async function listAll(store: Store, owner: string): Promise<readonly EntryKey[]> {
  const all: EntryKey[] = [];
  const known = new Map<string, string>();
  for (let isLast = false; !isLast; ) {
    const page = await store.list(owner, (all.at(-1)?.key ?? 0) + 1);
    for (const [at, key] of page.keys.entries()) {
      const tag = known.get(page.tags[at]) ?? page.tags[at];
      if (known.size < mostKnownTags) known.set(tag, tag);
      all.push({ owner, key, spans: page.spans[at], bytes: page.bytes[at], tag });
    }
    isLast = page.isLast;
  }
  return all;
}
