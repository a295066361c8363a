// The actions on the attributes of the spans that are meant.
import { compileActions } from '../../component/attribute-actions/compile.ts';
import { defineStep } from '../../component/define.ts';
import { compileSpanSelection } from '../../component/span-matcher.ts';
import type { StageBuilder, StageProcessor } from '../../component/step.ts';
import type { Config } from './index.ts';

export const attributesStep = defineStep<Config>({
  type: 'attributes',
  metrics: [],
  compile: compileAttributes,
});

function compileAttributes(config: Config, stage: StageBuilder): StageProcessor {
  const { run, resource } = compileActions(config.actions, stage, stage.span.attributes);
  const isMeant = compileSpanSelection(config, stage);
  const span =
    isMeant === null
      ? run
      : () => {
          if (isMeant()) run();
        };
  return resource === null ? { span } : { span, resource };
}
