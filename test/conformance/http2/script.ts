// Random conversations of one client: operations as plain numbers, which shrink, and what they come to in bytes.
import fc from 'fast-check';
import {
  frame,
  rstStreamFrame,
  setting,
  settingsFrame,
  windowUpdateFrame,
} from '../../../src/transport/http2/frames.ts';
import { flavours, malformed, messageOf } from './call-flavours.ts';
import {
  dataFrame,
  type Field,
  type HeadersShape,
  headersFrames,
  literals,
  pingFrame,
  priorityFrame,
  requestFields,
} from './client-frames.ts';
import { type ClientEncoder, createClientEncoder, type FieldMode } from './client-hpack.ts';
import { type Illegal, illegals, type Streams } from './illegal.ts';

interface CallOp {
  readonly kind: 'call';
  /** Below 0: a malformed one. */
  readonly flavour: number;
  readonly size: number;
  readonly answer: number;
  readonly metadata: readonly Field[];
  /** How the fields that every request has are written, and those of the metadata. */
  readonly modes: readonly FieldMode[];
  readonly metadataModes: readonly FieldMode[];
  readonly shape: Omit<HeadersShape, 'endStream'>;
  /** Streams passed over before it. */
  readonly gap: number;
}
/** Which of the calls that are not finished: taken modulo their number. */
type Op =
  | CallOp
  | { readonly kind: 'data'; readonly which: number; readonly part: number; readonly padding: number | undefined }
  | { readonly kind: 'finish'; readonly which: number; readonly how: 'data' | 'empty' | 'trailers' }
  | { readonly kind: 'reset'; readonly which: number; readonly code: number }
  | { readonly kind: 'ping'; readonly opaque: number }
  | { readonly kind: 'window'; readonly which: number; readonly increment: number }
  | { readonly kind: 'settings'; readonly id: number; readonly value: number }
  | { readonly kind: 'table'; readonly bytes: number }
  | { readonly kind: 'priority'; readonly stream: number; readonly dependsOn: number; readonly weight: number }
  | {
      readonly kind: 'unknown';
      readonly type: number;
      readonly flags: number;
      readonly which: number;
      readonly size: number;
    }
  | { readonly kind: 'settle' };

export interface Plan {
  readonly ops: readonly Op[];
  /** Of `illegals`; null: a client without fault. */
  readonly illegal: number | null;
}

const largest = 200_000;

/** Most are few and come again, so that tables and what is remembered of whole blocks get their turn. */
const field: fc.Arbitrary<Field> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom('x-tenant', 'x-zone'), fc.constantFrom('a', 'b', 'c', 'v'.repeat(900))),
  },
  { weight: 1, arbitrary: fc.tuple(fc.stringMatching(/^x-[a-z0-9_.-]{1,12}$/), fc.stringMatching(/^[!-~]{0,30}$/)) },
);
const mode = fc.constantFrom<FieldMode>('plain', 'never', 'keep', 'shortest');
const modes = fc.oneof(
  fc.constantFrom<readonly FieldMode[]>(['plain'], ['shortest']),
  fc.array(mode, { minLength: 1, maxLength: 5 }),
);
const part = fc.double({ min: 0, max: 1, noNaN: true });
const maybePadding = fc.option(fc.nat(255), { nil: undefined, freq: 3 });
const maybePriority = fc.option(fc.tuple(fc.constant(0), fc.nat(255)), { nil: undefined, freq: 3 });
const shape = fc
  .record({ cuts: fc.array(part, { maxLength: 3 }), padding: maybePadding, priority: maybePriority })
  .map(({ cuts, padding, priority }) => ({
    cuts,
    ...(padding === undefined ? {} : { padding }),
    ...(priority === undefined ? {} : { priority }),
  }));

function call(maxSize: number): fc.Arbitrary<CallOp> {
  const size = fc.oneof(
    { weight: 5, arbitrary: fc.nat(Math.min(600, maxSize)) },
    { weight: 2, arbitrary: fc.nat(Math.min(40_000, maxSize)) },
    { weight: 1, arbitrary: fc.nat(maxSize) },
  );
  const flavour = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.nat(flavours.length - 1) },
    { weight: 1, arbitrary: fc.integer({ min: -malformed.length, max: -1 }) },
  );
  const metadata = fc.array(field, { maxLength: 4 });
  const gap = fc.nat(2);
  return fc.record({
    kind: fc.constant('call' as const),
    flavour,
    size,
    answer: fc.nat(3),
    metadata,
    modes,
    metadataModes: modes,
    shape,
    gap,
  });
}

const which = fc.nat(50);
const others: readonly fc.WeightedArbitrary<Op>[] = [
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('data'), which, part, padding: maybePadding }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('finish'), which, how: fc.constantFrom('data', 'empty', 'trailers') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset'), which, code: fc.constantFrom(0, 2, 5, 8, 99) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ping'), opaque: fc.nat(1000) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('window'), which, increment: fc.integer({ min: 1, max: 1_000_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record({
        kind: fc.constant('settings'),
        id: fc.constant(setting.initialWindowSize),
        value: fc.constantFrom(0, 1, 4, 5, 100, 65_535, 1_000_000),
      }),
      fc.record({
        kind: fc.constant('settings'),
        id: fc.constant(setting.maxFrameSize),
        value: fc.constantFrom(16_384, 65_536),
      }),
      fc.record({
        kind: fc.constant('settings'),
        id: fc.constant(setting.headerTableSize),
        value: fc.constantFrom(0, 100, 4096),
      }),
      fc.record({
        kind: fc.constant('settings'),
        id: fc.integer({ min: 0x10, max: 0xffff }),
        value: fc.nat(0xffff_ffff),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('table'), bytes: fc.constantFrom(0, 60, 150, 400, 1000, 4096) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('priority'),
      stream: fc.nat(20),
      dependsOn: fc.nat(20),
      weight: fc.nat(255),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('unknown'),
      type: fc.integer({ min: 0x20, max: 255 }),
      flags: fc.nat(255),
      which,
      size: fc.nat(300),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle') }) },
];

/** `faulty`: also ones that end with something illegal. */
export function plans(options: { maxOps: number; maxSize?: number; faulty: boolean }): fc.Arbitrary<Plan> {
  const op: fc.Arbitrary<Op> = fc.oneof({ weight: 6, arbitrary: call(options.maxSize ?? largest) }, ...others);
  const illegal = options.faulty ? fc.option(fc.nat(illegals.length - 1), { nil: null, freq: 1 }) : fc.constant(null);
  return fc.record({ ops: fc.array(op, { minLength: 1, maxLength: options.maxOps, size: 'max' }), illegal });
}

/** Bytes, and then a pause until all streams that are due were answered and a PING was. */
export interface Step {
  readonly bytes: Buffer;
  readonly due: readonly number[];
}

export interface Script {
  readonly steps: readonly Step[];
  /** Streams that the client did not reset: their answers are compared. */
  readonly compared: readonly number[];
  /** Names of the metadata that its calls have. */
  readonly metadata: readonly string[];
  /** What the last step sends that no client may. */
  readonly illegal: { readonly what: Illegal; readonly streams: Streams } | null;
}

interface OpenCall {
  readonly stream: number;
  readonly body: Buffer;
  sent: number;
}

const plainModes = { modes: ['plain'], metadataModes: ['plain'] } as const;

/** The same plan gives the same bytes. */
export function compile(plan: Plan): Script {
  const writer = createWriter();
  for (const op of plan.ops) apply(writer, op);
  if (plan.illegal === null) {
    writer.finishAll();
    writer.settle();
    return writer.script(null);
  }
  const what = illegals[plan.illegal];
  writer.finishAll();
  const plain = {
    kind: 'call',
    flavour: 0,
    size: 30,
    answer: 0,
    metadata: [],
    ...plainModes,
    shape: {},
    gap: 0,
  } as const;
  const answered = writer.open(plain);
  writer.finish(0, 'data');
  const reset = writer.open(plain);
  writer.reset(0, 8);
  const open = writer.open({ ...plain, gap: 1 });
  const streams = { answered, reset, open, passedOver: open - 2, next: open + 2 };
  writer.settings(setting.initialWindowSize, 65_535);
  writer.settle();
  writer.push(what.bytes(streams));
  writer.settle();
  return writer.script({ what, streams });
}

function apply(writer: Writer, op: Op): void {
  if (op.kind === 'call') writer.open(op);
  else if (op.kind === 'data') writer.data(op.which, op.part, op.padding);
  else if (op.kind === 'finish') writer.finish(op.which, op.how);
  else if (op.kind === 'reset') writer.reset(op.which, op.code);
  else if (op.kind === 'ping') writer.push(pingFrame(op.opaque));
  else if (op.kind === 'window') writer.push(windowUpdateFrame(writer.anyStream(op.which), op.increment));
  else if (op.kind === 'settings') writer.settings(op.id, op.value);
  else if (op.kind === 'table') writer.encoder.resize(op.bytes);
  else if (op.kind === 'unknown')
    writer.push(frame(op.type, op.flags, writer.anyStream(op.which), Buffer.alloc(op.size)));
  else if (op.kind === 'settle') writer.settle();
  // A stream of their own number, whatever its state (6.3); one that depends on itself was an error in RFC 7540.
  else if (op.stream !== op.dependsOn) writer.push(priorityFrame(op.stream * 2 + 1, op.dependsOn * 2 + 1, op.weight));
}

interface Writer {
  readonly encoder: ClientEncoder;
  push(...bytes: readonly Buffer[]): void;
  open(op: CallOp): number;
  data(which: number, part: number, padding: number | undefined): void;
  finish(which: number, how: 'data' | 'empty' | 'trailers'): void;
  finishAll(): void;
  reset(which: number, code: number): void;
  settings(id: number, value: number): void;
  /** A stream that was used already, or 0. */
  anyStream(which: number): number;
  settle(): void;
  script(illegal: Script['illegal']): Script;
}

const mostFrame = 16_384;

function createWriter(): Writer {
  const encoder = createClientEncoder();
  const steps: Step[] = [];
  const unfinished: OpenCall[] = [];
  const compared: number[] = [];
  const metadata = new Set<string>();
  const used = [0];
  let pending: Buffer[] = [];
  let due: number[] = [];
  let last = -1;
  let initialWindow = 65_535;

  const pick = (index: number): OpenCall | undefined => unfinished[index % unfinished.length];
  const remove = (call: OpenCall): void => {
    unfinished.splice(unfinished.indexOf(call), 1);
  };
  const send = (call: OpenCall, to: number, padding: number | undefined, endStream: boolean): void => {
    const room = mostFrame - 1 - (padding ?? 0);
    do {
      const end = Math.min(to, call.sent + room);
      pending.push(dataFrame(call.stream, call.body.subarray(call.sent, end), endStream && end === to, padding));
      call.sent = end;
    } while (call.sent < to);
  };
  const writer: Writer = {
    encoder,
    push: (...bytes) => pending.push(...bytes),
    open(op) {
      last += 2 * (1 + op.gap);
      const stream = last;
      const flavour = flavours[Math.max(0, op.flavour)];
      const fields = op.flavour < 0 ? malformed[-op.flavour - 1][1] : flavour.fields;
      for (const [name] of op.metadata) metadata.add(name);
      const block = Buffer.concat([encoder.block(fields, op.modes), encoder.block(op.metadata, op.metadataModes)]);
      pending.push(...headersFrames(stream, block, op.shape));
      unfinished.push({ stream, body: flavour.body(messageOf(stream, op.answer, op.size)), sent: 0 });
      used.push(stream);
      return stream;
    },
    data(which, part, padding) {
      const call = pick(which);
      if (call === undefined) return;
      send(call, call.sent + Math.floor((call.body.length - call.sent) * part), padding, false);
    },
    finish(which, how) {
      const call = pick(which);
      if (call === undefined) return;
      if (how === 'data') send(call, call.body.length, undefined, true);
      else if (call.sent < call.body.length) send(call, call.body.length, undefined, false);
      if (how === 'empty') pending.push(dataFrame(call.stream, Buffer.alloc(0), true));
      if (how === 'trailers')
        pending.push(...headersFrames(call.stream, literals([['x-trailer', 'a']]), { endStream: true }));
      remove(call);
      compared.push(call.stream);
      due.push(call.stream);
    },
    finishAll() {
      while (unfinished.length > 0) writer.finish(0, 'data');
    },
    reset(which, code) {
      const call = pick(which);
      if (call === undefined) return;
      remove(call);
      pending.push(rstStreamFrame(call.stream, code));
    },
    settings(id, value) {
      if (id === setting.initialWindowSize) initialWindow = value;
      pending.push(settingsFrame([[id, value]]));
    },
    anyStream: (which) => used[which % used.length],
    settle() {
      if (initialWindow < 65_535) {
        // Answers wait for the client's window: first there is none, then there is.
        steps.push({ bytes: Buffer.concat(pending), due: [] });
        pending = [];
        writer.settings(setting.initialWindowSize, 65_535);
      }
      steps.push({ bytes: Buffer.concat(pending), due });
      pending = [];
      due = [];
    },
    script: (illegal) => ({ steps, compared, metadata: [...metadata], illegal }),
  };
  return writer;
}

/** A call that shows that a connection still serves. */
export const lastCall = (stream: number): Buffer =>
  Buffer.concat([
    ...headersFrames(stream, literals(requestFields())),
    dataFrame(stream, flavours[0].body(messageOf(stream, 0, 40)), true),
  ]);
