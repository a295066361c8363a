// OTLP/gRPC at the sink.
import { grpcCode } from '../../src/transport/grpc-status.ts';
import { type Action, okAction, silentAction } from '../h2/action.ts';
import { createUnaryService, type UnaryService } from '../h2/server.ts';
import type { MessageHandler, PeerConnection } from '../h2/server-connection.ts';
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

/** Makes connections read no faster than they may: after each message the connection rests for the time that it stands for. */
function createBrake() {
  const restUntil = new WeakMap<PeerConnection, number>();
  return (connection: PeerConnection, bytes: number, bytesPerSecond: number): void => {
    const now = performance.now();
    const until = Math.max(now, restUntil.get(connection) ?? 0) + (bytes / bytesPerSecond) * 1000;
    restUntil.set(connection, until);
    connection.pause(until - now);
  };
}

/** `later` settles after so many milliseconds. */
export function createGrpcService(intake: Intake, later: (ms: number) => Promise<void>): UnaryService {
  const brake = createBrake();
  const handler: MessageHandler = (message, { path, encoding }, connection) => {
    if (path !== exportPath) {
      return { kind: 'status', code: grpcCode.UNIMPLEMENTED, message: `there is no ${path} here` };
    }
    const decision = intake.decide();
    const { bytesPerSecond, delayMs } = decision;
    const action = actionOf(intake.handle(message, encoding, 'protobuf', decision));
    if (bytesPerSecond !== Number.POSITIVE_INFINITY) brake(connection, message.length, bytesPerSecond);
    return delayMs === 0 ? action : later(delayMs).then(() => action);
  };
  return createUnaryService(handler);
}
