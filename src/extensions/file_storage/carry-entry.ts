// The program of the process that examines a store: its argument is a CarryOrder as JSON.
import { runCarry } from './carry.ts';

await runCarry(process.argv[2] ?? '');
