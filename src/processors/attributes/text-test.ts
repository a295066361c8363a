// A question about a text in the shared memory, such as "does the pattern match this span name?". Telemetry brings the
// same few texts again and again, so answers are remembered by the text's bytes: one that was seen before is neither
// decoded nor matched.
import type { StageBuilder } from '../../component/types.ts';

/** Answers that are remembered, one for each value of a hash of the text; a power of two. */
const slots = 128;
/** Longer texts are asked anew each time. */
const slotBytes = 64;

/** `test` must answer the same for the same text always. The result takes the text's position and length in bytes. */
export function compileTextTest(
  test: (text: string) => boolean,
  stage: StageBuilder,
): (at: number, length: number) => boolean {
  const { kernel, shared } = stage.span.message.stage;
  const { bytes, buffer } = shared;
  const textsAt = stage.constant(new Uint8Array(slots * slotBytes));
  /** Length of the text in the slot; 0: none. */
  const lengths = new Uint8Array(slots);
  const answers = new Uint8Array(slots);
  const whenEmpty = test('');
  return (at, length) => {
    if (length === 0) return whenEmpty;
    if (length > slotBytes) return test(buffer.utf8Slice(at, at + length));
    const slot =
      (length * 31 + bytes[at] * 7 + bytes[at + (length >> 1)] * 13 + bytes[at + length - 1] * 3) & (slots - 1);
    const textAt = textsAt + slot * slotBytes;
    if (lengths[slot] === length && kernel.equal(textAt, at, length) !== 0) return answers[slot] === 1;
    const answer = test(buffer.utf8Slice(at, at + length));
    kernel.copy(textAt, at, length);
    lengths[slot] = length;
    answers[slot] = answer ? 1 : 0;
    return answer;
  };
}
