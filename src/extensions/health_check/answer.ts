// What a health check is answered: the Collector's body, more of it when something is wrong or `?verbose` asks for it.
import type { AuthRefusal } from '../../component/capabilities.ts';
import type { HealthReason, HealthReport, HealthState, PipelineHealth, ServiceState } from '../../component/health.ts';
import { formatDurationMs } from '../../lib/duration.ts';

export interface Answer {
  readonly status: 200 | 401 | 404 | 503;
  readonly type: string;
  readonly body: string;
  /** When to come again. */
  readonly retryAfterSeconds?: number;
}

/** Texts that replace the JSON. */
export interface ResponseBodies {
  readonly healthy: string;
  readonly unhealthy: string;
}

const plain = 'text/plain; charset=utf-8';
/** Who may not ask learns nothing of the service. */
export const refusalAnswer = ({ message, retryDelayMs }: AuthRefusal): Answer => {
  const said = { type: plain, body: `${message}\n` };
  if (retryDelayMs === 0) return { ...said, status: 401 };
  return { ...said, status: 503, retryAfterSeconds: Math.ceil(retryDelayMs / 1000) };
};

export const notFound: Answer = { status: 404, type: plain, body: 'Not found\n' };

const json = (status: Answer['status'], content: object): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(content),
});

/** `query`: of the URL. `startedMs`: of the wall clock. */
export function readinessAnswer(
  report: HealthReport,
  query: URLSearchParams,
  bodies: ResponseBodies | null,
  startedMs: number,
): Answer {
  const wanted = query.get('pipeline');
  const asked = wanted === null ? report.pipelines : report.pipelines.filter(({ id }) => id === wanted);
  const runs = report.service === 'ready';
  if (wanted !== null && runs && asked.length === 0) return notFound;
  const ready = runs && asked.every((pipeline) => pipeline.ready);
  const status = ready ? 200 : 503;
  if (bodies !== null) return { status, type: plain, body: ready ? bodies.healthy : bodies.unhealthy };
  const nowMs = Date.now();
  const first = {
    status: ready ? 'Server available' : 'Server not available',
    upSince: ready ? new Date(startedMs).toISOString() : '0001-01-01T00:00:00Z',
    uptime: ready ? formatDurationMs(Math.max(0, nowMs - startedMs)) : '',
  };
  if (query.has('verbose')) {
    return json(status, {
      ...first,
      start_time: new Date(startedMs).toISOString(),
      healthy: ready,
      state: runs ? worst(asked) : report.service,
      components: Object.fromEntries(
        asked.map((pipeline) => [`pipeline:${pipeline.id}`, detailsOf(pipeline, report.service, nowMs)]),
      ),
    });
  }
  // A service that starts or drains is answered for as by the Collector.
  if (ready || !runs) return json(status, first);
  const reasons = asked.flatMap(({ id, reasons: all }) =>
    all.filter(({ state }) => state === 'not_ready').map((reason) => `pipeline:${id}: ${sentence(reason)}`),
  );
  return json(status, { ...first, reasons });
}

export function livenessAnswer({ live }: HealthReport): Answer {
  return live
    ? json(200, { status: 'Server alive' })
    : json(503, { status: 'Server stuck', reasons: ['all workers have been at one job for too long'] });
}

/** The worst first. */
const order: readonly HealthState[] = ['not_ready', 'degraded', 'ok'];
const worst = (parts: readonly { readonly state: HealthState }[]): HealthState =>
  order.find((state) => parts.some((part) => part.state === state)) ?? 'ok';

const sentence = ({ component, message }: HealthReason): string => `${component}: ${message}`;

/** By the names of the Collector's healthcheckv2: what may pass by itself is a recoverable error. */
function statusName(service: ServiceState, state: HealthState): string {
  if (service === 'starting') return 'StatusStarting';
  if (service === 'draining') return 'StatusStopping';
  if (service === 'stopped') return 'StatusStopped';
  return state === 'ok' ? 'StatusOK' : 'StatusRecoverableError';
}

interface Details {
  readonly healthy: boolean;
  readonly status: string;
  readonly state: HealthState;
  /** The worst reason. */
  readonly error?: string;
  readonly status_time?: string;
}

function details(
  service: ServiceState,
  ready: boolean,
  state: HealthState,
  reasons: readonly HealthReason[],
  sinceMs: number | null,
): Details {
  return {
    healthy: service === 'ready' && ready,
    status: statusName(service, state),
    state,
    ...(reasons.length === 0 ? {} : { error: sentence(reasons[0]) }),
    ...(sinceMs === null ? {} : { status_time: new Date(sinceMs).toISOString() }),
  };
}

function detailsOf(pipeline: PipelineHealth, service: ServiceState, nowMs: number): object {
  const { state, reasons, forMs, ready } = pipeline;
  const own = [
    ...pipeline.receivers.map((id) => `receiver:${id}`),
    ...pipeline.exporters.map((id) => `exporter:${id}`),
  ];
  // What concerns no component of the pipeline alone (memory, workers) stands beside those.
  const others = reasons.map(({ component }) => component).filter((component) => !own.includes(component));
  const components = [...own, ...new Set(others)].map((component) => {
    const its = reasons.filter((reason) => reason.component === component);
    const since = its.length === 0 ? null : nowMs - its[0].forMs;
    const isReady = ready || worst(its) !== 'not_ready';
    return [
      component,
      { ...details(service, isReady, worst(its), its, since), reasons: its.map(({ message }) => message) },
    ];
  });
  return {
    ...details(service, ready, state, reasons, nowMs - forMs),
    reasons: reasons.map(sentence),
    components: Object.fromEntries(components),
  };
}
