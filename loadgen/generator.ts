// Process: sends spans. See load.ts for what it does and messages.ts for what it is asked.
import { childOptions, serveParent } from './child.ts';
import { createLoad } from './load.ts';
import type { GeneratorOptions, GeneratorRequest } from './messages.ts';

const load = await createLoad(childOptions<GeneratorOptions>());

serveParent<GeneratorRequest>({}, async (question) => {
  switch (question) {
    case 'start':
      load.start();
      return null;
    case 'pause':
      await load.pause();
      return load.counters();
    case 'counters':
      return load.counters();
    case 'resetLatency':
      load.resetLatency();
      return null;
    case 'close':
      load.close();
      return null;
  }
});
