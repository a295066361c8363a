// Loaded before the service, in each of its threads: the wall clock jumps ten times a second, by hours and days, forward and
// back. What counts time by performance.now() sees nothing of it.
const hourMs = 3_600_000;
const offsetsMs = [0, 5 * hourMs, -5 * hourMs, 40 * 24 * hourMs, -3 * hourMs];
const stepMs = 100;

const Wall = Date;
const now = (): number => Wall.now() + offsetsMs[Math.floor(performance.now() / stepMs) % offsetsMs.length];

globalThis.Date = new Proxy(Wall, {
  construct: (target, args: [], newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new Wall(now()).toString(),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
});
