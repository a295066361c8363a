// The actions on the attributes of each resource, once before its spans.
import { compileActions } from '../../component/attribute-actions/compile.ts';
import type { StageBuilder, StageProcessor } from '../../component/types.ts';
import type { Config } from './index.ts';

export function compileResource(config: Config, stage: StageBuilder): StageProcessor {
  const { run, resource: before } = compileActions(config.attributes, stage, stage.resource.attributes);
  if (before === null) return { resource: run };
  return {
    resource() {
      before();
      run();
    },
  };
}
