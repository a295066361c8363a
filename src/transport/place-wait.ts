// A call that found no place waits for one, for as long as its method lets it.
import type { Place, UnaryMethod } from './grpc-server.ts';
import { judgedAfterMs, makeRoom, type SlowMessages } from './slow-calls.ts';

/**
 * Tells `got` of the place, or of null when none came in time. `stillWaits`: whether the call wants it; a place that it does not
 * want is given back, and `got` is not called.
 */
export function waitForPlace(
  slow: SlowMessages,
  method: UnaryMethod,
  length: number,
  isWhole: boolean,
  stillWaits: () => boolean,
  got: (place: Place | null) => void,
): void {
  // Messages that were too young to be judged when this one came are old enough then.
  setTimeout(() => stillWaits() && makeRoom(slow, length), judgedAfterMs).unref();
  const settle = (place: Place | null): void => {
    if (stillWaits()) got(place);
    else if (place !== null) method.abandon(place);
  };
  method.reserveLater(length, isWhole).then(settle, () => settle(null));
}
