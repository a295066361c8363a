// RFC 9113 6.5: what a peer's SETTINGS may say.
import { ConnectionError } from './connection-error.ts';
import { defaultMaxFrame, errorCode, largestMaxFrame, largestWindow, readUint32, setting } from './frames.ts';

const settingBytes = 6;

/** Checks the payload `bytes[start … end)` and gives each setting in turn, unknown ones too. Throws ConnectionError. */
export function readSettings(
  bytes: Buffer,
  start: number,
  end: number,
  each: (identifier: number, value: number) => void,
): void {
  // "A SETTINGS frame with a length other than a multiple of 6 octets MUST be treated as a connection error of type
  // FRAME_SIZE_ERROR."
  if ((end - start) % settingBytes !== 0) {
    throw new ConnectionError(errorCode.frameSizeError, `SETTINGS of ${end - start} bytes`);
  }
  for (let at = start; at < end; at += settingBytes) {
    const identifier = (bytes[at] << 8) | bytes[at + 1];
    const value = readUint32(bytes, at + 2);
    check(identifier, value);
    each(identifier, value);
  }
}

/** 6.5.2. "An endpoint that receives a SETTINGS frame with any unknown or unsupported identifier MUST ignore that setting." */
function check(identifier: number, value: number): void {
  if (identifier === setting.enablePush && value > 1) {
    throw new ConnectionError(errorCode.protocolError, `SETTINGS_ENABLE_PUSH is ${value}`);
  }
  if (identifier === setting.initialWindowSize && value > largestWindow) {
    throw new ConnectionError(errorCode.flowControlError, `SETTINGS_INITIAL_WINDOW_SIZE is ${value}`);
  }
  if (identifier === setting.maxFrameSize && (value < defaultMaxFrame || value > largestMaxFrame)) {
    throw new ConnectionError(errorCode.protocolError, `SETTINGS_MAX_FRAME_SIZE is ${value}`);
  }
}
