// The actions on the attributes of the spans that are meant.
import { compileActions } from '../../component/attribute-actions/compile.ts';
import { compileSpanSelection } from '../../component/span-matcher.ts';
import type { StageBuilder, StageProcessor } from '../../component/types.ts';
import type { Config } from './index.ts';

export function compileAttributes(config: Config, stage: StageBuilder): StageProcessor {
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
