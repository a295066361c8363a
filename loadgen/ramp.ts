// The search for the highest rate that is held: steps up while it is, then halves the distance to what was not.
import type { GeneratorReport } from './generator/messages.ts';
import { type Limits, leastAchieved, limitsOf } from './limits.ts';
import type { RampStep } from './report/schema.ts';
import { settled, sleep } from './rest.ts';
import type { Course } from './run.ts';
import type { SinkReport } from './sink/messages.ts';
import { type Moment, refusedSpans, secondsBetween } from './watch.ts';

export interface Climb {
  /** In order. */
  readonly steps: readonly RampStep[];
  /** Of the last step that was not held. */
  readonly limited: Limits;
  /** Of the highest step that was held; of the last one where none was. */
  readonly measured: GeneratorReport;
  readonly measuredSink: SinkReport | null;
}

interface Attempt {
  readonly step: RampStep;
  readonly limited: Limits;
  readonly sent: GeneratorReport;
  readonly sink: SinkReport | null;
}

const growth = 1.5;
/** The search ends when what was held and what was not are so near. */
const nearEnough = 1.05;
/** A 99th percentile above it is no rate that anybody would call held. */
const mostAckMs = 1000;
/** What was acknowledged and takes longer to arrive, once the load has ended, was queued and not carried. */
const mostDrainMs = 1500;
interface Outcome {
  readonly begin: Moment;
  readonly end: Moment;
  readonly sent: GeneratorReport;
  /** null without a sink. */
  readonly lost: number | null;
  readonly drainMs: number | null;
}

function judge(target: number, { begin, end, sent, lost, drainMs }: Outcome, limited: Limits): RampStep {
  const acknowledged = end.generator.spans.acknowledged - begin.generator.spans.acknowledged;
  const refused = sent.spans.rejected + sent.spans.failed - refusedSpans(begin);
  const achieved = acknowledged / secondsBetween(begin, end);
  const { p99, count } = sent.acknowledgement;
  const reasons: string[] = [];
  if (limited.generator !== '') reasons.push(`the generator was the limit: ${limited.generator}`);
  if (limited.sink !== '') reasons.push(`the sink was the limit: ${limited.sink}`);
  if (refused > 0) reasons.push(`${refused} spans refused: ${sent.firstFailure}`);
  if (lost !== null && lost > 0) reasons.push(`${lost} spans lost`);
  if (achieved < target * leastAchieved) reasons.push(`only ${Math.round(achieved)} spans/s were acknowledged`);
  if (p99 > mostAckMs) reasons.push(`acknowledged after ${Math.round(p99)} ms (p99)`);
  if (drainMs !== null && drainMs > mostDrainMs) {
    reasons.push(`what was acknowledged took ${(drainMs / 1000).toFixed(1)} s more to arrive`);
  }
  return {
    target,
    achieved,
    acknowledged,
    refused,
    lost,
    drainMs,
    ackP99Ms: count === 0 ? null : p99,
    held: reasons.length === 0,
    why: reasons.join('; '),
  };
}

/** `lostBefore`: spans lost in the steps before it. */
async function attempt({ rig, options, watch, signal, limitMs }: Course, target: number, lostBefore: number) {
  await rig.generator.resetLatency();
  await rig.sink?.resetLatency();
  const begin = await watch.look();
  await rig.generator.start({ kind: 'open', unit: 'spans', perSecond: target });
  await sleep(options.durationMs, signal);
  const end = await watch.look();
  const sent = await rig.generator.stop(limitMs);
  const stopped = performance.now();
  const sink = await settled(rig, sent, options.waitMs, signal);
  const drainMs = sink === null ? null : Math.round(performance.now() - stopped);
  const lost = sink === null ? null : Math.max(0, sink.account.lost - lostBefore);
  const limited = limitsOf(begin, end, sent);
  const step = judge(target, { begin, end, sent, lost, drainMs }, limited);
  return { step, limited, sent, sink } satisfies Attempt;
}

/** Nothing is under way afterwards. A step that is interrupted is none. */
export async function climb(course: Course, from: number, to: number): Promise<Climb> {
  const { signal, rig, options } = course;
  const attempts: Attempt[] = [];
  const found: { best: Attempt | null; missed: Attempt | null } = { best: null, missed: null };
  const tryRate = async (target: number): Promise<void> => {
    const result = await attempt(course, target, attempts.at(-1)?.sink?.account.lost ?? 0);
    if (signal.aborted) return;
    attempts.push(result);
    if (result.step.held) found.best = result;
    else found.missed = result;
  };
  for (let target = from; !signal.aborted; target = Math.min(to, target * growth)) {
    await tryRate(target);
    if (target === to || found.missed !== null) break;
  }
  for (;;) {
    const [held, missed] = [found.best?.step.target, found.missed?.step.target];
    if (signal.aborted || held === undefined || missed === undefined || missed / held <= nearEnough) break;
    await tryRate(Math.sqrt(held * missed));
  }
  const shown = found.best ?? attempts.at(-1);
  const measured = shown?.sent ?? (await rig.generator.report());
  return {
    steps: attempts.map(({ step }) => step),
    limited: found.missed?.limited ?? { generator: '', sink: '' },
    measured,
    measuredSink: shown === undefined ? await settled(rig, measured, options.waitMs, signal) : shown.sink,
  };
}

/** Spans a second; null when none was held. */
export function highestHeld(steps: readonly RampStep[]): RampStep | null {
  return steps
    .filter(({ held }) => held)
    .reduce<RampStep | null>((best, one) => (one.target > (best?.target ?? 0) ? one : best), null);
}
