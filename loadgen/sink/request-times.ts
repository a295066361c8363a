// The intended times that follow from the start times of spans: those of one request must be the same. Two of its spans that
// agree say what it is; until then a span that says something else is held back, for it may be the first one that is wrong.

/** Requests that are remembered; those of one number modulo this displace each other. */
const requestsRemembered = 1 << 14;
/** Spans of one request that are held back. */
const mostHeld = 8;
/** The request's time is certain: two of its spans said it. */
const certain = -1;

/** A span by its request and its ordinal. */
export interface TimedSpan {
  readonly request: number;
  readonly ordinal: number;
}

export interface RequestTimes {
  /**
   * `fits`: it says what the others say, or is the first. `held`: it contradicts the first; `wrong` tells of one of them later.
   * `differs`: it contradicts two. Asked again for the same span, it says the same or knows more.
   */
  judge(request: number, ordinal: number, intendedNs: number): 'fits' | 'held' | 'differs';
  /** Whether another span of the request said another time. */
  contradicts(request: number, intendedNs: number): boolean;
  /** How many spans turned out wrong that were not said to differ when they came. */
  wrongCount(): number;
  /** Their first ones, those that are still held at the end. */
  wrong(): readonly TimedSpan[];
}

interface Held {
  readonly ordinal: number;
  readonly intendedNs: number;
}

/** `mostWrong`: how many that turned out wrong are kept by name. */
export function createRequestTimes(mostWrong: number): RequestTimes {
  const requests = new Float64Array(requestsRemembered).fill(-1);
  const intended = new Float64Array(requestsRemembered);
  /** Who said it; `certain` when two did. */
  const saidBy = new Int32Array(requestsRemembered);
  /** By slot: spans that contradict the only one that said anything before. */
  const held = new Map<number, Held[]>();
  const wrong: TimedSpan[] = [];
  let wrongCount = 0;

  const sayWrong = (request: number, ordinal: number): void => {
    wrongCount++;
    if (wrong.length < mostWrong) wrong.push({ request, ordinal });
  };
  /** No two agreed, or the first was right: so those that are held are wrong. */
  const condemnHeld = (slot: number): void => {
    for (const { ordinal } of held.get(slot) ?? []) sayWrong(requests[slot], ordinal);
    held.delete(slot);
  };
  const judgeAgainstOne = (slot: number, ordinal: number, intendedNs: number): 'fits' | 'held' | 'differs' => {
    const list = held.get(slot) ?? [];
    const others = list.filter((each) => each.intendedNs === intendedNs);
    if (others.some((each) => each.ordinal !== ordinal)) {
      // Two agree against the first.
      const request = requests[slot];
      sayWrong(request, saidBy[slot]);
      for (const each of list) if (each.intendedNs !== intendedNs) sayWrong(request, each.ordinal);
      held.delete(slot);
      intended[slot] = intendedNs;
      saidBy[slot] = certain;
      return 'fits';
    }
    if (others.length > 0) return 'held';
    if (list.length >= mostHeld) return 'differs';
    list.push({ ordinal, intendedNs });
    held.set(slot, list);
    return 'held';
  };
  return {
    judge(request, ordinal, intendedNs) {
      const slot = request % requestsRemembered;
      if (requests[slot] !== request) {
        if (held.size > 0) condemnHeld(slot);
        requests[slot] = request;
        intended[slot] = intendedNs;
        saidBy[slot] = ordinal;
        return 'fits';
      }
      if (intended[slot] === intendedNs) {
        if (saidBy[slot] !== certain && saidBy[slot] !== ordinal) {
          saidBy[slot] = certain;
          if (held.size > 0) condemnHeld(slot);
        }
        return 'fits';
      }
      return saidBy[slot] === certain ? 'differs' : judgeAgainstOne(slot, ordinal, intendedNs);
    },
    contradicts(request, intendedNs) {
      const slot = request % requestsRemembered;
      return requests[slot] === request && intended[slot] !== intendedNs;
    },
    wrongCount() {
      let count = wrongCount;
      for (const list of held.values()) count += list.length;
      return count;
    },
    wrong() {
      const stillHeld = [...held].flatMap(([slot, list]) =>
        list.map(({ ordinal }) => ({ request: requests[slot], ordinal })),
      );
      return [...wrong, ...stillHeld].slice(0, mostWrong);
    },
  };
}
