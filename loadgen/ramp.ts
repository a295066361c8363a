// The search for the highest rate that is held: steps up while it is, then halves the distance to what was not.
import type { GeneratorReport } from './generator/messages.ts';
import type { RampStep } from './report/schema.ts';
import { settled, sleep } from './rest.ts';
import type { Rig } from './rig.ts';
import type { RunOptions } from './run.ts';
import { lookAt, type Moment, refusedSpans } from './watch.ts';

/** The steps in order, and whether the search ended because the generator itself could not keep up. */
export interface Climb {
  readonly steps: readonly RampStep[];
  readonly generatorLate: boolean;
}

const growth = 1.5;
/** The search ends when what was held and what was not are so near. */
const nearEnough = 1.05;
/** Less than this share of the rate acknowledged in time is a backlog that grows. */
const leastAchieved = 0.98;
const mostLatenessMs = 50;
/** A 99th percentile above it is no rate that anybody would call held. */
const mostAckMs = 1000;

const isLate = ({ lateness }: GeneratorReport): boolean => lateness.p99 > mostLatenessMs;

function judge(target: number, begin: Moment, end: Moment, sent: GeneratorReport, lost: number | null): RampStep {
  const seconds = (end.atMs - begin.atMs) / 1000;
  const acknowledged = end.generator.spans.acknowledged - begin.generator.spans.acknowledged;
  const refused = sent.spans.rejected + sent.spans.failed - refusedSpans(begin);
  const achieved = acknowledged / seconds;
  const { p99, count } = sent.acknowledgement;
  const reasons: string[] = [];
  if (isLate(sent)) reasons.push(`the generator itself was ${sent.lateness.p99} ms late (p99)`);
  if (refused > 0) reasons.push(`${refused} spans refused: ${sent.firstFailure}`);
  if (lost !== null && lost > 0) reasons.push(`${lost} spans lost`);
  if (achieved < target * leastAchieved) reasons.push(`only ${Math.round(achieved)} spans/s were acknowledged`);
  if (p99 > mostAckMs) reasons.push(`acknowledged after ${Math.round(p99)} ms (p99)`);
  return {
    target,
    achieved,
    acknowledged,
    refused,
    lost,
    ackP99Ms: count === 0 ? null : p99,
    held: reasons.length === 0,
    why: reasons.join('; '),
  };
}

async function step(
  rig: Rig,
  target: number,
  options: RunOptions,
  signal?: AbortSignal,
): Promise<{ readonly step: RampStep; readonly generatorLate: boolean }> {
  await rig.generator.resetLatency();
  const before = await settled(rig, await rig.generator.report(), 0, signal);
  const begin = await lookAt(rig);
  await rig.generator.start({ kind: 'open', unit: 'spans', perSecond: target });
  await sleep(options.durationMs, signal);
  const end = await lookAt(rig);
  const sent = await rig.generator.pause(false);
  const after = await settled(rig, sent, options.waitMs, signal);
  const lost = after === null ? null : after.account.lost - (before?.account.lost ?? 0);
  return { step: judge(target, begin, end, sent, lost), generatorLate: isLate(sent) };
}

/** Nothing is under way afterwards. */
export async function climb(
  rig: Rig,
  { from, to }: { readonly from: number; readonly to: number },
  options: RunOptions,
  signal?: AbortSignal,
): Promise<Climb> {
  const steps: RampStep[] = [];
  let held = 0;
  let missed = Number.POSITIVE_INFINITY;
  let generatorLate = false;
  const attempt = async (target: number): Promise<void> => {
    const result = await step(rig, target, options, signal);
    steps.push(result.step);
    if (result.step.held) held = target;
    else {
      missed = target;
      generatorLate = result.generatorLate;
    }
  };
  for (let target = from; !signal?.aborted; target = Math.min(to, target * growth)) {
    await attempt(target);
    if (target === to || missed < Number.POSITIVE_INFINITY) break;
  }
  while (!signal?.aborted && held > 0 && missed < Number.POSITIVE_INFINITY && missed / held > nearEnough) {
    await attempt(Math.sqrt(held * missed));
  }
  return { steps, generatorLate };
}

/** Spans a second; null when none was held. */
export function highestHeld(steps: readonly RampStep[]): number | null {
  const held = steps.filter((one) => one.held).map((one) => one.target);
  return held.length === 0 ? null : Math.max(...held);
}
