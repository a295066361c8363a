// OTLP/gRPC at the sink.
import { grpcCode } from '../../src/transport/grpc-status.ts';
import { type Action, okAction, silentAction } from '../h2/action.ts';
import { createUnaryService, type UnaryService } from '../h2/server.ts';
import type { Decision } from './faults.ts';
import type { Answer, Intake } from './intake.ts';

const exportPath = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

function actionOf(answer: Answer): Action {
  switch (answer.kind) {
    case 'ok':
      return okAction;
    case 'silent':
      return silentAction;
    case 'reset':
      return { kind: 'disconnect' };
    case 'partial':
      return answer;
    case 'malformed':
      return { kind: 'status', code: grpcCode.INVALID_ARGUMENT, message: answer.message };
    case 'unsupported':
      return { kind: 'status', code: grpcCode.UNIMPLEMENTED, message: answer.message };
    case 'refused': {
      const { grpcCode: code, retryMs } = answer.refusal;
      const status = { kind: 'status', code, message: answer.message } as const;
      return retryMs === null ? status : { ...status, retryDelayMs: retryMs };
    }
  }
}

/** `later` settles after so many milliseconds. */
export function createGrpcService(intake: Intake, later: (ms: number) => Promise<void>): UnaryService {
  return createUnaryService<Decision>({
    begin: intake.decide,
    take(message, { path, encoding }, decision) {
      if (path !== exportPath) {
        return { kind: 'status', code: grpcCode.UNIMPLEMENTED, message: `there is no ${path} here` };
      }
      const action = actionOf(intake.handle(message, encoding, 'grpc', decision));
      return decision.delayMs === 0 ? action : later(decision.delayMs).then(() => action);
    },
  });
}
