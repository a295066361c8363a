// All components that are built in, one line each, sorted. test/component/registry.test.ts holds it against the folders.
import type { Registry } from './component/registry.ts';
import { connectors } from './connectors/registry.ts';
import { debug } from './exporters/debug/index.ts';
import { file } from './exporters/file/index.ts';
import { nop } from './exporters/nop/index.ts';
import { otlp as otlpExporter } from './exporters/otlp/index.ts';
import { otlpHttp } from './exporters/otlp_http/index.ts';
import { basicauth } from './extensions/basicauth/index.ts';
import { bearertokenauth } from './extensions/bearertokenauth/index.ts';
import { deadLetter } from './extensions/dead_letter/index.ts';
import { fileStorage } from './extensions/file_storage/index.ts';
import { headersSetter } from './extensions/headers_setter/index.ts';
import { healthCheck } from './extensions/health_check/index.ts';
import { processors } from './processors/registry.ts';
import { otlp as otlpReceiver } from './receivers/otlp/index.ts';

export const registry: Registry = {
  receivers: [otlpReceiver],
  processors,
  exporters: [debug, file, nop, otlpExporter, otlpHttp],
  connectors,
  extensions: [basicauth, bearertokenauth, deadLetter, fileStorage, headersSetter, healthCheck],
};
