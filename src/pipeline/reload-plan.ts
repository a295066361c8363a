// What another configuration changes. Pure. A component is what it was when its id, its parsed configuration and all
// extensions that it names are what they were.
import { isDeepStrictEqual } from 'node:util';
import type { AnyDefinition } from '../component/registry.ts';
import type { ResolvedComponent, ResolvedConfig, ResolvedPipeline } from '../config/resolved.ts';
import { planPipelines } from './graph.ts';
import type { StagePlan } from './plan.ts';

/** Ids, each in one list. */
export interface Difference {
  readonly kept: readonly string[];
  /** The id was there before, with another configuration. */
  readonly changed: readonly string[];
  readonly started: readonly string[];
  readonly stopped: readonly string[];
}

export interface ReloadPlan {
  readonly extensions: Difference;
  readonly exporters: Difference;
  readonly receivers: Difference;
  readonly pipelines: Difference;
  /** Of `pipelines.changed`, those whose processors are what they were: only receivers or exporters are others. */
  readonly rewired: readonly string[];
  /** Extensions that go on with their old configuration, because what others have of them cannot be taken away. */
  readonly pinned: readonly string[];
}

/** What of a configuration becomes something that runs. */
export type Parts = Pick<ResolvedConfig, 'extensions' | 'exporters' | 'connectors' | 'receivers' | 'pipelines'> & {
  readonly telemetry: { readonly logs: { readonly showValues: boolean } };
};

export const noParts: Parts = {
  extensions: [],
  exporters: [],
  connectors: [],
  receivers: [],
  pipelines: [],
  telemetry: { logs: { showValues: false } },
};

/** `limitsChanged`: the byte budget is another, which receivers are told when they are made. */
export function planReload(from: Parts, to: Parts, limitsChanged: boolean): ReloadPlan {
  const pinned = to.extensions.flatMap(({ id, config }) => {
    const old = from.extensions.find((one) => one.id === id);
    const stores = old?.definition.offers?.(old.config).includes('storage') ?? false;
    return old !== undefined && stores && !isDeepStrictEqual(old.config, config) ? [id] : [];
  });
  const extensions = extensionDifference(from.extensions, to.extensions, pinned);
  const isOther = (id: string): boolean => !extensions.kept.includes(id);
  const exporters = difference(from.exporters, to.exporters, (old, now) => isSame(old, now, isOther));
  const receivers = difference(from.receivers, to.receivers, (old, now) => !limitsChanged && isSame(old, now, isOther));
  const [stagesBefore, stagesNow] = [stagesOf(from), stagesOf(to)];
  const hasSameStages = (id: string): boolean => isDeepStrictEqual(stagesBefore.get(id), stagesNow.get(id));
  const pipelines = difference(
    from.pipelines,
    to.pipelines,
    (old, now) => isWiredAlike(old, now) && hasSameStages(now.id),
  );
  const rewired = pipelines.changed.filter(hasSameStages);
  return { extensions, exporters, receivers, pipelines, rewired, pinned };
}

export function changesNothing({ extensions, exporters, receivers, pipelines, pinned }: ReloadPlan): boolean {
  const isNothing = ({ changed, started, stopped }: Difference): boolean =>
    changed.length + started.length + stopped.length === 0;
  return pinned.length === 0 && [extensions, exporters, receivers, pipelines].every(isNothing);
}

function difference<T extends { readonly id: string }>(
  from: readonly T[],
  to: readonly T[],
  isKept: (old: T, now: T) => boolean,
): Difference {
  const old = new Map(from.map((one) => [one.id, one]));
  const ids = new Set(to.map(({ id }) => id));
  const stayed = to.filter(({ id }) => old.has(id));
  const kept = new Set(stayed.filter((one) => isKept(old.get(one.id) ?? one, one)).map(({ id }) => id));
  return {
    kept: [...kept],
    changed: stayed.map(({ id }) => id).filter((id) => !kept.has(id)),
    started: to.map(({ id }) => id).filter((id) => !old.has(id)),
    stopped: from.map(({ id }) => id).filter((id) => !ids.has(id)),
  };
}

type Component = ResolvedComponent<AnyDefinition>;

/** `isOther`: whether the extension of that id is another than before. */
function isSame(old: Component, now: Component, isOther: (extension: string) => boolean): boolean {
  if (!isDeepStrictEqual(old.config, now.config)) return false;
  return !(now.definition.references?.(now.config) ?? []).some(({ id }) => isOther(id));
}

/** Extensions may name extensions, so that one change leads to another. */
function extensionDifference(
  from: Parts['extensions'],
  to: Parts['extensions'],
  pinned: readonly string[],
): Difference {
  let found = difference(from, to, (old, now) => pinned.includes(now.id) || isDeepStrictEqual(old.config, now.config));
  for (let before = -1; before !== found.kept.length; ) {
    before = found.kept.length;
    const { kept } = found;
    found = difference(
      from,
      to,
      (old, now) => kept.includes(now.id) && (pinned.includes(now.id) || isSame(old, now, (id) => !kept.includes(id))),
    );
  }
  return found;
}

const isWiredAlike = (old: ResolvedPipeline, now: ResolvedPipeline): boolean =>
  isDeepStrictEqual([old.receivers, old.exporters], [now.receivers, now.exporters]);

/** Of each pipeline, by its id. */
function stagesOf(parts: Parts): ReadonlyMap<string, readonly StagePlan[]> {
  return new Map([...planPipelines(parts)].map(([id, { stages }]) => [id, stages]));
}
