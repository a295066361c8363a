// The actions on the attributes of each resource, once before its spans.
import { compileActions } from '../../component/attribute-actions/compile.ts';
import { defineStep } from '../../component/define.ts';
import type { StageBuilder, StageProcessor } from '../../component/step.ts';
import type { Config } from './index.ts';

export const resourceStep = defineStep<Config>({
  type: 'resource',
  metrics: [],
  compile: compileResource,
});

function compileResource(config: Config, stage: StageBuilder): StageProcessor {
  const { run, resource: before } = compileActions(config.attributes, stage, stage.resource.attributes);
  if (before === null) return { resource: run };
  return {
    resource() {
      before();
      run();
    },
  };
}
