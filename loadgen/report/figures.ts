// Figures as people read them: the same ones in the page, the summary and the progress line.

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Three digits, or all of a whole number: 12,345, 123, 12.3, 1.23, 0.012. */
export function figure(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 100) return count(value);
  if (size >= 10) return value.toFixed(1);
  return size >= 0.1 ? value.toFixed(2) : value.toFixed(3);
}

export function milliseconds(ms: number): string {
  if (ms >= 60_000) return duration(ms / 1000);
  return ms >= 1000 ? `${figure(ms / 1000)} s` : `${figure(ms)} ms`;
}

export function bytes(size: number): string {
  for (const [unit, scale] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (size >= scale) return `${figure(size / scale)} ${unit}`;
  }
  return `${count(size)} B`;
}

/** 45 s, 2 min 5 s, 1 h 0 min. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Of a whole; a share that is not all or nothing never looks like it. */
export function share(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0%';
  const percent = (100 * part) / whole;
  if (percent >= 100) return '100%';
  if (percent < 0.01) return 'under 0.01%';
  if (percent > 99.99) return 'over 99.99%';
  return `${percent >= 99 || percent < 1 ? percent.toFixed(2) : percent.toFixed(1)}%`;
}

/** `1 span`, `2 spans`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${Math.round(value) === 1 ? one : many}`;

/** Text of others (a server's message) on one line, and without what would command a terminal. */
export const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ');

const plainArgument = /^[\w@%+=:,./-]+$/;

/** Of a command line that a POSIX shell reads as these arguments: its parts, each flag with its value. */
export function shellParts(command: readonly string[]): string[] {
  const parts: string[] = [];
  for (const [i, argument] of command.entries()) {
    const quoted = plainArgument.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
    const belongs = i > 1 && !argument.startsWith('-') && /^--?[^=]+$/.test(command[i - 1]);
    if (belongs) parts.push(`${parts.pop()} ${quoted}`);
    else parts.push(quoted);
  }
  return parts;
}
