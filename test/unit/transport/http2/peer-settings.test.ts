import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionError } from '../../../../src/transport/http2/connection-error.ts';
import { errorCode, setting, settingsFrame } from '../../../../src/transport/http2/frames.ts';
import { readSettings } from '../../../../src/transport/http2/peer-settings.ts';

type Entry = readonly [identifier: number, value: number];

/** The payload of the frame, from its midst. */
function read(entries: readonly Entry[], cutBytes = 0): Entry[] {
  const bytes = settingsFrame(entries);
  const found: Entry[] = [];
  readSettings(bytes, 9, bytes.length - cutBytes, (identifier, value) => found.push([identifier, value]));
  return found;
}

const refuses = (code: number, run: () => unknown): void =>
  assert.throws(run, (error) => error instanceof ConnectionError && error.code === code);

test('settings are given in their order, those of the same identifier and unknown ones too', () => {
  const entries: Entry[] = [
    [setting.initialWindowSize, 0],
    [setting.initialWindowSize, 0x7fff_ffff],
    [0xffff, 0xffff_ffff],
    [0, 1],
    [setting.headerTableSize, 0xffff_ffff],
    [setting.maxConcurrentStreams, 0],
    [setting.maxHeaderListSize, 0xffff_ffff],
  ];
  assert.deepEqual(read(entries), entries);
  assert.deepEqual(read([]), []);
});

test('6.5: a length that is no multiple of 6 is a FRAME_SIZE_ERROR, and nothing of it is taken', () => {
  for (let cut = 1; cut < 6; cut++) {
    let taken = 0;
    const bytes = settingsFrame([
      [0xffff, 1],
      [0xffff, 2],
    ]);
    refuses(errorCode.frameSizeError, () => readSettings(bytes, 9, bytes.length - cut, () => taken++));
    assert.equal(taken, 0);
  }
});

test('6.5.2: values beyond their range are errors of the connection', () => {
  for (const value of [2, 0xffff_ffff]) refuses(errorCode.protocolError, () => read([[setting.enablePush, value]]));
  for (const value of [0x8000_0000, 0xffff_ffff]) {
    refuses(errorCode.flowControlError, () => read([[setting.initialWindowSize, value]]));
  }
  for (const value of [0, 16_383, 0x100_0000]) {
    refuses(errorCode.protocolError, () => read([[setting.maxFrameSize, value]]));
  }
});

test('6.5.2: the ends of each range are allowed', () => {
  const entries: Entry[] = [
    [setting.enablePush, 0],
    [setting.enablePush, 1],
    [setting.initialWindowSize, 0],
    [setting.initialWindowSize, 0x7fff_ffff],
    [setting.maxFrameSize, 16_384],
    [setting.maxFrameSize, 0xff_ffff],
  ];
  assert.deepEqual(read(entries), entries);
});
