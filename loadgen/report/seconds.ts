// The figures of the run second by second, for those who do not see the charts, or want to copy them.
import { bytes, count, figure } from './figures.ts';
import { type Content, type Markup, markup } from './markup.ts';
import type { LoadReport } from './schema.ts';
import { table } from './sections.ts';

/** A table of more rows helps nobody; the JSON has them all. */
const mostRows = 300;

interface Column {
  readonly title: string;
  readonly values: readonly (number | null)[] | null;
  readonly format: (value: number) => string;
}

function columnsOf({ series }: LoadReport): Column[] {
  return [
    { title: 'Sent', values: series.generated, format: count },
    { title: 'Acknowledged', values: series.acknowledged, format: count },
    { title: 'Refused', values: series.refused, format: count },
    { title: 'Arrived', values: series.arrived, format: count },
    { title: 'In flight', values: series.inFlight, format: count },
    { title: 'Late ms', values: series.latenessMaxMs, format: figure },
    { title: 'Ack p50 ms', values: series.ackP50Ms, format: figure },
    { title: 'Ack p99 ms', values: series.ackP99Ms, format: figure },
    { title: 'End to end p50 ms', values: series.endToEndP50Ms, format: figure },
    { title: 'End to end p99 ms', values: series.endToEndP99Ms, format: figure },
    { title: 'Cores', values: series.serviceCores, format: figure },
    { title: 'RSS', values: series.serviceRssBytes, format: bytes },
  ];
}

export function secondsTable(report: LoadReport): Markup {
  const columns = columnsOf(report).filter(({ values }) => values !== null);
  const { second } = report.series;
  const every = Math.ceil(second.length / mostRows);
  const rows: Content[][] = [];
  for (let row = 0; row < second.length; row += every) {
    const cells = columns.map(({ values, format }) => {
      const value = values?.[row] ?? null;
      return value === null ? '–' : format(value);
    });
    rows.push([Number(second[row].toFixed(1)), ...cells]);
  }
  const caption = every === 1 ? 'Every second of the run' : `One second of every ${every}; the JSON has them all`;
  return markup`<details class="seconds"><summary>The figures of these charts</summary>
${table(caption, ['Second', ...columns.map(({ title }) => title)], rows)}</details>`;
}
