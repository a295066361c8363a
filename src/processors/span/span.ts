// What is done to a span, in the Collector's order: its name is made, then taken apart, then it gets its status.
import { defineStep } from '../../component/define.ts';
import { compileSpanSelection } from '../../component/span-matcher.ts';
import type { StageBuilder, StageProcessor } from '../../component/step.ts';
import { spanField, statusField, wireType } from '../../wire/schema.ts';
import { varintSize, writeVarint } from '../../wire/varint.ts';
import type { Config, StatusConfig } from './index.ts';
import { compileNaming } from './naming.ts';
import { compileRules } from './rules.ts';

type Change = () => void;

export const spanStep = defineStep<Config>({
  type: 'span',
  metrics: [],
  compile: compileSpan,
});

function compileSpan(config: Config, stage: StageBuilder): StageProcessor {
  const { name, status } = config;
  const steps: Change[] = [];
  if (name != null && name.from_attributes.length > 0) steps.push(compileNaming(name, stage));
  if (name?.to_attributes != null) steps.push(compileRules(name.to_attributes, stage));
  if (status != null) steps.push(compileStatus(status, stage));
  const change = steps.reduce((first, second) => () => {
    first();
    second();
  });
  const isMeant = compileSpanSelection(config, stage);
  if (isMeant === null) return { span: change };
  return {
    span() {
      if (isMeant()) change();
    },
  };
}

const codes = { Ok: 1, Error: 2 } as const;

/** The status is the same for every span: its bytes are made once. */
function compileStatus({ code, description }: StatusConfig, stage: StageBuilder): Change {
  const { message } = stage.span;
  if (code === 'Unset') return () => message.clear(spanField.status);
  const text = Buffer.from(description);
  const textBytes = text.length === 0 ? 0 : 1 + varintSize(text.length) + text.length;
  const bytes = new Uint8Array(textBytes + 2);
  if (textBytes > 0) {
    bytes[0] = (statusField.message << 3) | wireType.bytes;
    bytes.set(text, writeVarint(bytes, 1, text.length));
  }
  bytes[textBytes] = (statusField.code << 3) | wireType.varint;
  bytes[textBytes + 1] = codes[code];
  const at = stage.constant(bytes);
  return () => message.setRange(spanField.status, at, bytes.length);
}
