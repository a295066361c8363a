// A process that only holds connections: `node idle-connections.ts PORT COUNT`. Half of them say nothing, half of them
// send the HTTP/2 preface and SETTINGS. Says `open N` when all are there; ends with its stdin.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const [port, count] = process.argv.slice(2).map(Number);
const greeting = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const atATime = 200;
const sockets: Socket[] = [];

async function open(greet: boolean): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.resume();
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  // One that the service ends tells so: it is not idle then.
  socket.on('close', () => process.stdout.write('closed\n'));
  if (greet) socket.write(greeting);
}

while (sockets.length < count) {
  const more = Math.min(atATime, count - sockets.length);
  await Promise.all(Array.from({ length: more }, (_, i) => open(i % 2 === 0)));
}
process.stdout.write(`open ${sockets.length}\n`);
process.stdin.resume();
process.stdin.on('end', () => process.exit());
