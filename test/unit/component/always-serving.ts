// For receivers that a test creates by themselves.
import type { Serving } from '../../../src/component/health.ts';

export const alwaysServing: Serving = { isServing: () => true, onChange: () => () => undefined };
