// Warnings of an order of processors that works and is seldom meant.
import type { ProcessorDefinition } from '../component/processor.ts';
import type { Path } from './node.ts';
import type { ResolvedComponent } from './resolved.ts';
import { type Issue, makeIssue } from './source.ts';
import { type Subject, spotFor } from './subject.ts';

type Step = ResolvedComponent<ProcessorDefinition>;

interface Advice {
  /** Of the step that would better stand elsewhere. */
  readonly index: number;
  readonly message: string;
}

/** These hold spans until their traces are whole. */
const gatherers: ReadonlySet<string> = new Set(['tail_sampling', 'groupbytrace']);

/** `path`: of the list of the processors' ids in the service section, in the order of `steps`. */
export function orderAdvice(steps: readonly Step[], path: Path, service: Subject): Issue[] {
  const all = [...admissionAdvice(steps), ...batchAdvice(steps), ...samplerAdvice(steps), ...idleAdvice(steps)];
  return all.map(({ index, message }) =>
    makeIssue('warning', spotFor(service, [...path, index]), 'CONFIG_ORDER', message),
  );
}

/** Where a processor thins spans that others have worked on already, it saves less. */
function admissionAdvice(steps: readonly Step[]): Advice[] {
  let thinning: string | null = null;
  return steps.flatMap(({ id, definition, config }, index) => {
    if (definition.role !== 'admission') return [];
    const thins = definition.thinning(config) !== null;
    const first = thinning;
    if (thins) thinning ??= id;
    if (index === 0) return [];
    if (!thins) {
      const message = `processor "${id}" bounds what is taken in wherever it stands; put it first, as a Collector needs it`;
      return [{ index, message }];
    }
    const message =
      first === null
        ? `processor "${id}" thins spans, with what stands before it already done to them: put it first`
        : `processor "${id}" thins nothing: "${first}" does that for this pipeline`;
    return [{ index, message }];
  });
}

/** What comes behind a batch takes it apart again. */
function batchAdvice(steps: readonly Step[]): Advice[] {
  return steps.flatMap(({ id, definition }, index) => {
    if (definition.role !== 'batch') return [];
    const later = steps.slice(index + 1);
    const gatherer = later.find((step) => gatherers.has(step.definition.type));
    if (gatherer !== undefined) {
      const message = `processor "${id}" makes batches that "${gatherer.id}" takes apart to gather traces: put it behind`;
      return [{ index, message }];
    }
    const dropper = later.find((step) => step.definition.role === 'spans' && step.definition.traits.drops);
    if (dropper === undefined) return [];
    return [{ index, message: `processor "${id}" fills batches of which "${dropper.id}" drops a part: put it behind` }];
  });
}

function samplerAdvice(steps: readonly Step[]): Advice[] {
  return steps.flatMap(({ id, definition, config }, index) => {
    const keys = definition.decidesBy?.(config) ?? [];
    return keys.flatMap((key) => {
      const setter = steps.slice(index + 1).find((step) => step.definition.sets?.(step.config).includes(key) === true);
      if (setter === undefined) return [];
      const message = `processor "${id}" decides by the attribute ${key} before "${setter.id}" sets it: put it behind`;
      return [{ index, message }];
    });
  });
}

/** Of those behind a processor that drops everything the first is named. */
function idleAdvice(steps: readonly Step[]): Advice[] {
  const last = steps.findIndex(
    ({ definition, config }) => definition.role === 'spans' && definition.dropsAll?.(config) === true,
  );
  const idle = last < 0 ? undefined : steps[last + 1];
  if (idle === undefined) return [];
  return [{ index: last + 1, message: `processor "${idle.id}" gets nothing: "${steps[last].id}" drops every span` }];
}
