// Runs in the page: draws the charts that charts.ts describes, and serves the two buttons. Plain JavaScript for a browser;
// uPlot stands before it.
(() => {
  const { uPlot } = window;
  const read = (id) => document.getElementById(id).textContent;
  const charts = JSON.parse(read('charts'));

  const figure = (value) => {
    const size = Math.abs(value);
    if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US');
    return String(Number(value.toPrecision(3)));
  };
  /** All marks of an axis in the same unit. */
  const short = (value, all) => {
    const most = Math.max(...all);
    if (most >= 1e6) return `${figure(value / 1e6)} M`;
    return most >= 10_000 ? `${figure(value / 1e3)} k` : figure(value);
  };
  const size = (bytes) => (bytes >= 2 ** 30 ? `${figure(bytes / 2 ** 30)} GiB` : `${figure(bytes / 2 ** 20)} MiB`);
  const time = (ms) => (ms >= 1000 ? `${figure(ms / 1000)} s` : `${figure(ms)} ms`);

  /** Of the y axis and of the legend, by unit. */
  const units = {
    ms: { axis: time, legend: time },
    'spans/s': { axis: short, legend: figure },
    requests: {
      axis: short,
      legend: figure,
      steps: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5],
    },
    bytes: { axis: size, legend: size, steps: Array.from({ length: 24 }, (_, i) => 2 ** (i + 18)) },
    cores: { axis: figure, legend: figure },
  };

  /** 0 -> 0%, 1 -> 90%, 2 -> 99%: the reverse of markOf in charts.ts. */
  const percentOf = (mark) => 100 * (1 - 10 ** -mark);
  const percentText = (mark) => {
    const digits = Math.max(0, Math.ceil(mark) - 1);
    return `${Number(percentOf(mark).toFixed(digits))}%`;
  };
  const secondText = (second) => {
    if (Math.abs(second) < 120) return `${Number(second.toFixed(1))} s`;
    return `${Math.floor(second / 60)}:${String(Math.floor(second % 60)).padStart(2, '0')} min`;
  };
  const marksIn = (low, high) => [Math.log10(2), 1, 2, 3, 4, 5, 6].filter((mark) => mark >= low && mark <= high + 1e-9);

  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  /** Two hex digits after six: how opaque. */
  const opacity = { solid: '', filled: '', dashed: '', faint: '8c' };
  const lineOf = (line, unit) => {
    const colour = variable(line.colour);
    return {
      label: line.label,
      stroke: colour + opacity[line.style],
      width: line.style === 'faint' ? 1.25 : 2,
      ...(line.style === 'dashed' ? { dash: [6, 4] } : {}),
      ...(line.style === 'filled' ? { fill: `${colour}1f` } : {}),
      spanGaps: unit.spanGaps,
      points: { show: false },
      value: (_, value) => (value === null || value === undefined ? '' : unit.legend(value)),
    };
  };

  const yRange = (logarithmic) => (_, low, high) => {
    if (low === null || high === null) return [0, 1];
    if (logarithmic) return uPlot.rangeLog(Math.max(low, 1e-3), high, 10, false);
    return [0, high === 0 ? 1 : high * 1.08];
  };

  /** Of the lines of a logarithmic axis; all others only make it dark. */
  const powersOfTen = (_, splits) => splits.map((value) => (Number.isInteger(Math.log10(value)) ? value : null));

  /** Percentiles as far as there is room for them: those at the right first. */
  const apart = (plot, marks) => {
    const labels = marks.map(percentText);
    let taken = Number.POSITIVE_INFINITY;
    for (let i = marks.length - 1; i >= 0; i--) {
      const middle = plot.valToPos(marks[i], 'x');
      const half = 4 * labels[i].length;
      if (middle + half > taken) labels[i] = '';
      else taken = middle - half;
    }
    return labels;
  };

  const axesOf = (chart, unit) => {
    const common = {
      stroke: variable('quiet'),
      font: '12px system-ui, sans-serif',
      grid: { stroke: variable('grid'), width: 1 },
    };
    const percentile = chart.axis === 'percentile';
    return [
      {
        ...common,
        ticks: { show: false },
        gap: 6,
        size: 28,
        space: 64,
        grid: percentile ? common.grid : { show: false },
        values: (plot, splits) => (percentile ? apart(plot, splits) : splits.map(secondText)),
        ...(percentile ? { splits: (_plot, _axis, low, high) => marksIn(low, high) } : {}),
      },
      {
        ...common,
        ticks: { show: false },
        gap: 6,
        space: 36,
        ...(chart.logarithmic ? { grid: { ...common.grid, filter: powersOfTen } } : {}),
        ...(unit.steps && !chart.logarithmic ? { incrs: unit.steps } : {}),
        values: (_, splits) => splits.map((value) => (value === null ? '' : unit.axis(value, splits))),
        size: (_, values) => 16 + 6.6 * Math.max(...(values ?? ['']).map((value) => (value ?? '').length)),
      },
    ];
  };

  /** The warm-up, which has seconds below zero, is shaded. */
  const shadeWarmUp = (plot) => {
    const { min } = plot.scales.x;
    if (min >= 0) return;
    const { left, top, width, height } = plot.bbox;
    const end = Math.min(left + width, plot.valToPos(0, 'x', true));
    plot.ctx.fillStyle = variable('shade');
    plot.ctx.fillRect(left, top, end - left, height);
  };

  const heightOf = (chart, width) => (chart.axis === 'percentile' ? (width < 500 ? 240 : 320) : 210);

  const draw = (chart, figureElement) => {
    const place = figureElement.querySelector('.plot');
    const percentile = chart.axis === 'percentile';
    const unit = { ...units[chart.unit], spanGaps: percentile };
    const width = place.clientWidth;
    const plot = new uPlot(
      {
        width,
        height: heightOf(chart, width),
        padding: [10, 14, 0, 0],
        scales: { x: { time: false }, y: { distr: chart.logarithmic ? 3 : 1, range: yRange(chart.logarithmic) } },
        axes: axesOf(chart, unit),
        series: [
          {
            label: percentile ? 'at' : 'second',
            value: (_, x) => (x === null ? '' : percentile ? percentText(x) : secondText(x)),
          },
          ...chart.lines.map((line) => lineOf(line, unit)),
        ],
        legend: { markers: { width: 2 } },
        cursor: {
          y: false,
          points: { size: 7 },
          ...(percentile ? { drag: { x: false } } : { sync: { key: 'time', setSeries: false } }),
        },
        hooks: {
          drawClear: percentile ? [] : [shadeWarmUp],
          draw: [
            () => {
              figureElement.dataset.drawn = '';
            },
          ],
          setLegend: [
            (self) => self.root.classList.toggle('pointed', self.legend.idx !== null && self.legend.idx !== undefined),
          ],
        },
      },
      [chart.x, ...chart.lines.map(({ values }) => values)],
      place,
    );
    return { plot, chart, place };
  };

  let drawn = [];
  const drawAll = () => {
    for (const { plot } of drawn) plot.destroy();
    drawn = charts.map((chart) => draw(chart, document.querySelector(`[data-chart="${chart.id}"]`)));
  };
  const fit = () => {
    for (const { plot, chart, place } of drawn) {
      const width = place.clientWidth;
      if (width > 0 && width !== plot.width) plot.setSize({ width, height: heightOf(chart, width) });
    }
  };
  drawAll();
  new ResizeObserver(fit).observe(document.body);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  addEventListener('beforeprint', fit);

  const copyButton = document.getElementById('copy');
  const commandText = document.getElementById('command-text');
  copyButton.addEventListener('click', async () => {
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(commandText.textContent);
    } catch {
      // A browser that does not let pages from files use the clipboard: the reader's own hand does.
      getSelection().selectAllChildren(commandText);
      said = 'Selected';
    }
    document.getElementById('copied').textContent = said;
    copyButton.textContent = said;
    setTimeout(() => {
      copyButton.textContent = 'Copy';
    }, 2000);
  });

  document.getElementById('download').addEventListener('click', () => {
    const text = `${JSON.stringify(JSON.parse(read('report')), null, 2)}\n`;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    link.download = 'spanload-report.json';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
})();
