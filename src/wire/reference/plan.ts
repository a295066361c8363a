// proto/ loaded once by protobufjs, and for each message what the codec and the JSON forms need to know of its fields.
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** Where the .proto files lie, seen from this module. */
function protoDirectory(): string {
  return fileURLToPath(new URL('../../../proto/', import.meta.url));
}

const files = [
  'opentelemetry/proto/collector/trace/v1/trace_service.proto',
  'google/rpc/status.proto',
  'google/rpc/error_details.proto',
];
const requestName = 'opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest';

let loaded: protobuf.Root | undefined;

/** All of proto/, read and resolved at the first call (some milliseconds). */
export function protoRoot(): protobuf.Root {
  if (loaded === undefined) {
    const directory = protoDirectory();
    const root = new protobuf.Root();
    // Names are relative to the directory; the files of google/protobuf come with protobufjs, under these same names.
    root.resolvePath = (_origin, target) => (target.startsWith('google/protobuf/') ? target : directory + target);
    for (const file of files) root.loadSync(file);
    root.resolveAll();
    loaded = root;
  }
  return loaded;
}

/** `hexId`: a bytes field that JSON writes in hex. `enum`: open, as proto3's are. */
export type FieldKind =
  | 'message'
  | 'string'
  | 'bytes'
  | 'hexId'
  | 'bool'
  | 'double'
  | 'int64'
  | 'fixed64'
  | 'int32'
  | 'uint32'
  | 'enum';

export interface FieldPlan {
  /** lowerCamelCase, as in JSON and in messages.ts. */
  readonly name: string;
  /** As in proto/. */
  readonly snakeName: string;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Name of the oneof that the field is a member of. */
  readonly oneof: string | null;
  readonly message: MessagePlan | null;
  readonly enumValues: Readonly<Record<string, number>>;
  /** Of a hexId: bytes when not empty. */
  readonly idLength: number;
}

export interface MessagePlan {
  readonly type: protobuf.Type;
  /** In the order of proto/, which is the order that the Collector writes JSON in. */
  readonly fields: readonly FieldPlan[];
}

const plans = new Map<protobuf.Type, MessagePlan>();

/** The plan of ExportTraceServiceRequest, and with it those of all messages inside. */
export function requestPlan(): MessagePlan {
  return planOf(protoRoot().lookupType(requestName));
}

function planOf(type: protobuf.Type): MessagePlan {
  const known = plans.get(type);
  if (known !== undefined) return known;
  const fields: FieldPlan[] = [];
  const plan = { type, fields };
  plans.set(type, plan); // before its fields: AnyValue contains itself
  for (const field of type.fieldsArray) fields.push(planField(field));
  return plan;
}

function planField(field: protobuf.Field): FieldPlan {
  const resolved = field.resolvedType;
  const kind = kindOf(field);
  return {
    name: field.name,
    snakeName: field.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    kind,
    repeated: field.repeated,
    oneof: field.partOf?.name ?? null,
    message: resolved instanceof protobuf.Type ? planOf(resolved) : null,
    enumValues: resolved instanceof protobuf.Enum ? resolved.values : {},
    idLength: kind !== 'hexId' ? 0 : field.name === 'traceId' ? 16 : 8,
  };
}

function kindOf(field: protobuf.Field): FieldKind {
  if (field.resolvedType instanceof protobuf.Type) return 'message';
  if (field.resolvedType instanceof protobuf.Enum) return 'enum';
  switch (field.type) {
    case 'string':
    case 'bool':
    case 'double':
    case 'int64':
    case 'fixed64':
    case 'int32':
    case 'uint32':
      return field.type;
    case 'fixed32':
      return 'uint32';
    case 'bytes':
      // OTLP's one departure from protobuf's JSON mapping, for exactly these fields.
      return /^(trace|span|parentSpan)Id$/.test(field.name) ? 'hexId' : 'bytes';
    default:
      throw new TypeError(`${field.fullName} has a type that the reference codec does not know: ${field.type}`);
  }
}
