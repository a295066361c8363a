// The way from the command line's files and pairs to what the runtime builds.
import type { Registry } from '../component/registry.ts';
import { type LoadInput, loadTree } from './load.ts';
import { resolveConfig } from './resolve.ts';
import type { ResolvedConfig } from './resolved.ts';
import { type Issue, sortIssues } from './source.ts';

export interface ReadInput extends LoadInput {
  readonly registry: Registry;
  /** Processors of the machine, for the default of service.workers. */
  readonly cores: number;
}

export interface ReadResult {
  /** null exactly when there is an error. */
  readonly config: ResolvedConfig | null;
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
  /** For the debug log: components that are defined and not used. */
  readonly notes: readonly Issue[];
}

/** Reads the same configuration again and again. */
export interface ConfigReader {
  read(): ReadResult;
  /** What the last read asked for, whether or not it could be read. */
  files(): readonly string[];
}

export const createConfigReader = (input: ReadInput): ConfigReader => {
  let files: readonly string[] = [];
  return {
    read() {
      const asked = new Set<string>();
      const readFile = (path: string): string => {
        asked.add(path);
        return input.readFile(path);
      };
      const result = readConfig({ ...input, readFile });
      files = [...asked];
      return result;
    },
    files: () => files,
  };
};

/** Reads, merges, expands and checks a configuration. Never throws for what a user can get wrong. */
export const readConfig = (input: ReadInput): ReadResult => {
  const loaded = loadTree(input);
  const resolved =
    loaded.root === null ? { config: null, issues: [] } : resolveConfig(loaded.root, input.registry, input.cores);
  const issues = sortIssues([...loaded.issues, ...resolved.issues], loaded.sources);
  const errors = issues.filter((issue) => issue.severity === 'error');
  return {
    config: errors.length === 0 ? resolved.config : null,
    errors,
    warnings: issues.filter((issue) => issue.severity === 'warning'),
    notes: issues.filter((issue) => issue.severity === 'note'),
  };
};
