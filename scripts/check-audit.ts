// Fails on vulnerabilities that npm rates high or critical in what the service runs with. A registry that cannot be asked
// is said, and is no failure: it says nothing about the code.
import { spawnSync } from 'node:child_process';

interface Report {
  readonly metadata?: { readonly vulnerabilities: Readonly<Record<string, number>> };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>;
}

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
let report: Report = {};
try {
  report = JSON.parse(stdout) as Report;
} catch {
  // Said below, as for an answer that is JSON and no report.
}
if (report.metadata === undefined) {
  console.log('The registry does not answer npm audit: nothing is known about vulnerabilities.');
} else {
  const found = Object.entries(report.vulnerabilities ?? {});
  for (const [name, { severity, range }] of found) console.log(`${severity}: ${name} ${range}`);
  const { high = 0, critical = 0 } = report.metadata.vulnerabilities;
  console.log(
    `${found.length} vulnerabilities in what the service runs with, ${high + critical} of them high or critical`,
  );
  process.exitCode = high + critical > 0 ? 1 : 0;
}
