// What a run says while it goes on: one line that is written anew on a terminal, a plain line every few seconds elsewhere.
import { type Paint, painter, type Style } from './colours.ts';
import { count, duration, milliseconds, oneLine } from './figures.ts';

export interface ProgressFigures {
  /**
   * `waiting`: the load has ended, and what is under way is waited for. `flushing`: it has ended, and what was to be sent
   * later is sent.
   */
  readonly phase: 'warm-up' | 'running' | 'waiting' | 'flushing';
  /** Since the run began. */
  readonly elapsedSeconds: number;
  /** null where it is not known, as in a ramp. */
  readonly remainingSeconds: number | null;
  /** Spans acknowledged a second, lately. */
  readonly spansPerSecond: number;
  /** Spans, since the run began. */
  readonly acknowledged: number;
  readonly refused: number;
  /** Spans to be sent later, of traces that have not ended. */
  readonly late: number;
  /** null without a sink. */
  readonly arrived: number | null;
  /** Requests without an answer. */
  readonly inFlight: number;
  /** Requests that fell due and wait for room. */
  readonly overdue: number;
  /** How late the generator itself was, lately. */
  readonly lagMs: number;
  /** Lately; null when nothing was acknowledged. */
  readonly ackP99Ms: number | null;
}

/** process.stderr, or what stands for it. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** May change while the run goes on. */
  readonly columns?: number;
}

export interface ProgressOptions {
  /** Not on a terminal: the least time between two lines. */
  readonly plainEverySeconds?: number;
  readonly environment?: NodeJS.ProcessEnv;
}

export interface Progress {
  /** Shows the figures; call it as often as there are new ones. */
  update(figures: ProgressFigures): void;
  /** A line that stays, above the one that changes. */
  note(text: string): void;
  /** Takes the changing line away. May be called twice; nothing is shown after it. */
  end(): void;
}

interface Part {
  readonly text: string;
  readonly style: Style | null;
  /** Where there is no room for all, those of the highest rank stay away first. */
  readonly rank: number;
}

const slowLagMs = 10;

const phaseName = { 'warm-up': 'warm-up', waiting: 'waiting', flushing: 'flushing what ends late' } as const;

function partsOf(figures: ProgressFigures): Part[] {
  const { phase, elapsedSeconds, remainingSeconds, spansPerSecond, acknowledged, refused, arrived } = figures;
  const part = (rank: number, text: string, style: Style | null = null): Part => ({ text, style, rank });
  return [
    part(1, duration(Math.round(elapsedSeconds)).padStart(4), 'dim'),
    ...(phase === 'running' ? [] : [part(2, phaseName[phase], 'cyan')]),
    ...(phase === 'flushing' ? [part(1, `${count(figures.late)} spans left`, 'cyan')] : []),
    part(0, `${count(spansPerSecond)} spans/s`, 'bold'),
    part(2, `acknowledged ${count(acknowledged)}`, 'green'),
    part(3, `refused ${count(refused)}`, refused > 0 ? 'red' : 'dim'),
    ...(arrived === null ? [] : [part(6, `arrived ${count(arrived)}`)]),
    ...(figures.ackP99Ms === null ? [] : [part(5, `ack p99 ${milliseconds(figures.ackP99Ms)}`)]),
    part(7, `in flight ${count(figures.inFlight)}`),
    ...(figures.overdue === 0 ? [] : [part(3, `${count(figures.overdue)} waiting to be sent`, 'yellow')]),
    part(8, `lag ${milliseconds(figures.lagMs)}`, figures.lagMs > slowLagMs ? 'yellow' : 'dim'),
    ...(remainingSeconds === null ? [] : [part(4, `${duration(Math.ceil(remainingSeconds))} left`, 'dim')]),
  ];
}

const gap = '  ';

/** As many parts as there is room for, whole ones; the last one that stays is cut where even it has none. */
function fitted(parts: readonly Part[], columns: number): Part[] {
  let kept = [...parts];
  const width = () => kept.map(({ text }) => text).join(gap).length;
  while (kept.length > 1 && width() > columns) {
    const last = Math.max(...kept.map(({ rank }) => rank));
    kept = kept.filter(({ rank }) => rank !== last);
  }
  return kept.map((part) => ({ ...part, text: part.text.slice(0, Math.max(0, columns)) }));
}

const painted = (parts: readonly Part[], paint: Paint): string =>
  parts.map(({ text, style }) => (style === null ? text : paint(style, text))).join(gap);

const clearLine = '\r\x1b[K';
/** A terminal that does not say how wide it is. */
const usualColumns = 80;

function onTerminal(output: ProgressOutput, paint: Paint): Progress {
  let shown = '';
  let ended = false;
  return {
    update(figures) {
      if (ended) return;
      // One column stays free: a line that fills them all makes some terminals go on to the next.
      shown = painted(fitted(partsOf(figures), (output.columns ?? usualColumns) - 1), paint);
      output.write(`${clearLine}${shown}`);
    },
    note(text) {
      if (!ended) output.write(`${shown === '' ? '' : clearLine}${oneLine(text)}\n${shown}`);
    },
    end() {
      if (!ended && shown !== '') output.write(clearLine);
      ended = true;
    },
  };
}

function inPlainLines(output: ProgressOutput, everySeconds: number, paint: Paint): Progress {
  let last = Number.NEGATIVE_INFINITY;
  let phase: ProgressFigures['phase'] | null = null;
  let ended = false;
  return {
    update(figures) {
      if (ended || (figures.phase === phase && figures.elapsedSeconds - last < everySeconds)) return;
      last = figures.elapsedSeconds;
      phase = figures.phase;
      output.write(`${painted(partsOf(figures), paint).trimStart()}\n`);
    },
    note(text) {
      if (!ended) output.write(`${oneLine(text)}\n`);
    },
    end() {
      ended = true;
    },
  };
}

export function createProgress(output: ProgressOutput, options: ProgressOptions = {}): Progress {
  const { plainEverySeconds = 5, environment } = options;
  const isTTY = output.isTTY === true;
  const paint = painter(isTTY, environment);
  return isTTY ? onTerminal(output, paint) : inPlainLines(output, plainEverySeconds, paint);
}
