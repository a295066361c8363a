// The one error type of the service and the table of its codes. docs/errors.md is made from this table.

/** Code -> what it means and what to do. Codes are stable: they stand in messages, logs and tests. */
export const errorCodes = {
  // C: configuration, found before start
  CONFIG_READ: 'A configuration file cannot be read.',
  CONFIG_SYNTAX: 'The file is not valid YAML.',
  CONFIG_ENV: 'An environment variable that the file names is not set and has no default.',
  CONFIG_UNKNOWN_KEY: 'A key that this place does not have.',
  CONFIG_UNKNOWN_COMPONENT: 'A component type that is not built in.',
  CONFIG_UNDEFINED: 'Something is named that the file does not define: a component, or a span of a load profile.',
  CONFIG_MISSING: 'A required key is absent.',
  CONFIG_TYPE: 'A value of the wrong type.',
  CONFIG_VALUE: 'A value outside of what is allowed.',
  CONFIG_DURATION: 'Not a duration as Go writes them (300ms, 1.5h, 2m30s).',
  CONFIG_UNSUPPORTED: 'A setting of the Collector that is not built in.',
  CONFIG_CONFLICT: 'Two settings that cannot stand together.',
  CONFIG_ORDER: 'Processors stand in an order in which one of them does less than it could.',
  CONFIG_SECRET: 'A secret stands in the file itself, where everybody can read it who reads the file.',
  CONFIG_EXPOSED: 'Anybody in reach may send or read what is not meant for everybody.',
  CONFIG_OTTL: 'An OTTL condition or statement that cannot be understood.',
  CONFIG_REGEXP: 'A regular expression that RE2 does not accept.',
  // while running
  OTLP_JSON: 'A request is not OTLP JSON.',
  OTLP_PROTOBUF: 'A request, or a file of them, is not OTLP protobuf.',
  TRACE_STATE: 'A span carries a tracestate that W3C trace context does not allow.',
  LISTEN: 'An address cannot be listened on.',
  CONNECT: 'A server cannot be connected to.',
  LOG: 'An output of the log cannot be opened.',
  WORKER: 'A worker thread failed.',
  EXPORT: 'An exporter cannot do its work.',
  AUTH: 'Credentials or certificates cannot be read.',
  STORAGE: 'What must outlive the process cannot be stored, or cannot be read again.',
  USAGE: 'The command line is wrong.',
  INTERNAL: 'A fault in spanmill itself; please report it.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export class SpanmillError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'SpanmillError';
    this.code = code;
  }
}
