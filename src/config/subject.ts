// A part of the configuration that is checked as one, and how messages name and point at what is in it.
import { type ErrorCode, errorCodes } from '../errors.ts';
import { type ConfigNode, formatPath, locate, type Path } from './node.ts';
import type { Spot } from './source.ts';

/** A part of the configuration that one schema describes. */
export interface Subject {
  /** Name for messages: `processors.batch`. */
  readonly name: string;
  readonly node: ConfigNode;
  /** Where to point for the part as a whole: its key. */
  readonly key: Spot;
}

const isErrorCode = (code: string): code is ErrorCode => code in errorCodes;

/** A code from outside of this module, where it is in the table. */
export const asErrorCode = (code: unknown): ErrorCode =>
  typeof code === 'string' && isErrorCode(code) ? code : 'CONFIG_VALUE';

/** `processors.batch` and a path in it -> `processors.batch.timeout`. */
export const placeName = (subject: Subject, path: Path): string => {
  const inner = formatPath(path);
  return inner === '' ? subject.name : `${subject.name}${inner.startsWith('[') ? '' : '.'}${inner}`;
};

/** Where to point for a path: the value itself, or the key of the nearest thing that is written. */
export const spotFor = (subject: Subject, path: Path): Spot => {
  const { node, keyAt, depth } = locate(subject.node, path, subject.key);
  return depth === path.length && node.kind !== 'map' ? node.at : keyAt;
};
