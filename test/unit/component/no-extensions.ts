// For components that a test creates by themselves.
import type { ExtensionLookup } from '../../../src/component/capabilities.ts';

export const noExtensions: ExtensionLookup = {
  get: (id) => {
    throw new Error(`this test has no extension ${id}`);
  },
};
