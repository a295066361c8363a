// All functions of the language. A new one is one entry in the list of its group.
import { collectionFunctions } from './collections.ts';
import type { FunctionDefinition } from './define.ts';
import { editors } from './editors.ts';
import { encodingFunctions } from './encoding.ts';
import { grokFunctions } from './extract-grok.ts';
import { hashingFunctions } from './hashing.ts';
import { idFunctions } from './ids.ts';
import { lambdaFunctions } from './lambdas.ts';
import { networkFunctions } from './network.ts';
import { otherFunctions } from './other.ts';
import { parsingFunctions } from './parsing.ts';
import { stringFunctions } from './strings.ts';
import { timeFunctions } from './times.ts';
import { typeFunctions } from './types.ts';
import { xmlFunctions } from './xml.ts';

/** By name. */
export const functions: ReadonlyMap<string, FunctionDefinition> = new Map(
  [
    ...editors,
    ...typeFunctions,
    ...stringFunctions,
    ...collectionFunctions,
    ...lambdaFunctions,
    ...timeFunctions,
    ...idFunctions,
    ...parsingFunctions,
    ...grokFunctions,
    ...xmlFunctions,
    ...hashingFunctions,
    ...encodingFunctions,
    ...networkFunctions,
    ...otherFunctions,
  ].map((entry) => [entry.name, entry]),
);
