// Answers about texts, kept: telemetry brings the same few texts again and again.

const mostTexts = 1024;
/** In characters; longer texts seldom come again. */
const longestText = 64;

/** `of` for texts that may come again; it must always give the same for the same text, and never undefined. */
export function remember<T>(of: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    if (text.length > longestText) return of(text);
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = of(text);
    if (known.size >= mostTexts) known.clear();
    known.set(text, made);
    return made;
  };
}
