// A question about a text in the shared memory, such as "does the pattern match this key?". Telemetry brings the same few
// texts again and again, so answers are remembered by the text's bytes: one that was seen before is neither decoded nor
// matched.
import type { StageBuilder } from '../../component/types.ts';

/** Places by a hash of the text, each with room for two texts, so that two that collide do not push each other out. */
const places = 64;
const ways = 2;
/** Longer texts are asked anew each time. */
const slotBytes = 64;

/** `test` must always answer the same for the same text. The result takes the text's position and length in bytes. */
export function compileTextTest(
  test: (text: string) => boolean,
  stage: StageBuilder,
): (at: number, length: number) => boolean {
  const { kernel, shared } = stage.span.message.stage;
  const { bytes, buffer } = shared;
  const textsAt = stage.constant(new Uint8Array(places * ways * slotBytes));
  /** Length of the text in the slot; 0: none. */
  const lengths = new Uint8Array(places * ways);
  const answers = new Uint8Array(places * ways);
  const whenEmpty = test('');
  const isIn = (slot: number, at: number, length: number): boolean =>
    lengths[slot] === length && kernel.equal(textsAt + slot * slotBytes, at, length) !== 0;
  return (at, length) => {
    if (length === 0) return whenEmpty;
    if (length > slotBytes) return test(buffer.utf8Slice(at, at + length));
    const mixed = length * 31 + bytes[at] * 7 + bytes[at + (length >> 1)] * 13 + bytes[at + length - 1] * 3;
    const slot = (mixed & (places - 1)) * ways;
    if (isIn(slot, at, length)) return answers[slot] === 1;
    if (isIn(slot + 1, at, length)) return answers[slot + 1] === 1;
    const answer = test(buffer.utf8Slice(at, at + length));
    // The newer of the two moves over: what comes once pushes out what came once before.
    kernel.copy(textsAt + (slot + 1) * slotBytes, textsAt + slot * slotBytes, lengths[slot]);
    lengths[slot + 1] = lengths[slot];
    answers[slot + 1] = answers[slot];
    kernel.copy(textsAt + slot * slotBytes, at, length);
    lengths[slot] = length;
    answers[slot] = answer ? 1 : 0;
    return answer;
  };
}
