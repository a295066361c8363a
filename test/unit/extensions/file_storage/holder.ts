// A program that opens the store in a directory and keeps it until it is killed.
import { withStore } from './support.ts';

export const holderProgram = import.meta.filename;

if (import.meta.main) {
  try {
    await withStore(process.argv[2], async () => {
      process.stdout.write('held\n');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    process.stderr.write(`${code} ${message}\n`);
    process.exitCode = 1;
  }
}
