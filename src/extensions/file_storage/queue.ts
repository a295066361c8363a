// The queue of one owner in the store.
import type { StoredEntry, StoredQueue } from '../../component/capabilities.ts';
import { SpanmillError } from '../../errors.ts';
import type { EntryKey } from './keys.ts';
import type { Store } from './store.ts';

/** `onClose` is called once, when it begins to close, with what resolves when it has. Rejects with a SpanmillError STORAGE. */
export async function openQueue(
  store: Store,
  owner: string,
  onClose: (closed: Promise<void>) => void,
): Promise<StoredQueue> {
  const { keys, spans, bytes, tags } = await store.list(owner);
  const recovered: readonly EntryKey[] = keys.map((key, at) => ({
    owner,
    key,
    spans: spans[at],
    bytes: bytes[at],
    tag: tags[at],
  }));
  /** What is stored and was not removed. */
  const entries = new Map(recovered.map((entry) => [entry.key, entry]));
  let last = keys.at(-1) ?? 0;
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
