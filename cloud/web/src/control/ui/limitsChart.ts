/** The picture of a station's limits: what each source withholds, what was granted, what was measured. */

import uPlot from "uplot";
import { clock, clockSeconds } from "../../format/time";
import type { LimitSource } from "../../gen/powerctl/v1/common_pb";
import type { LimitHistory, LimitSample } from "../state/limits";
import type { Colours } from "../../ui/chartParts";

export interface LimitsPorts {
  readonly colours: Colours;
  readonly locale: string;
  history(): LimitHistory;
  /** Milliseconds since the epoch. */
  now(): number;
  spanMs(): number;
  /** Kilowatts. */
  top(): number;
  colourOf(source: LimitSource): string;
  onCursor(index: number | null): void;
}

function kilo(watts: number | null): number | null {
  return watts === null ? null : watts / 1000;
}

function sum(a: number | null, b: number | null): number | null {
  return a === null && b === null ? null : (a ?? 0) + (b ?? 0);
}

/** Stacked: right lies on left. Times in seconds, powers in kilowatts. */
export function columns(samples: readonly LimitSample[]): uPlot.AlignedData {
  const of = (pick: (sample: LimitSample) => number | null): (number | null)[] => samples.map((one) => kilo(pick(one)));
  return [
    samples.map((sample) => sample.time / 1000),
    of((sample) => sample.left),
    of((sample) => sum(sample.left, sample.right)),
    of((sample) => sum(sample.leftLimit, sample.rightLimit)),
    of((sample) => sample.ac),
    of((sample) => sample.cap),
  ] as uPlot.AlignedData;
}

/** What is known fills the picture, which is never shorter than this. */
const SHORTEST_MS = 60_000;

function begin(ports: LimitsPorts): number {
  const first = ports.history().samples[0]?.time ?? Infinity;
  return Math.max(ports.now() - ports.spanMs(), Math.min(first, ports.now() - SHORTEST_MS));
}

/** Every slice holds until the next sample. */
function drawSlices(plot: uPlot, ports: LimitsPorts): void {
  const { ctx, bbox } = plot;
  const samples = ports.history().samples;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.globalAlpha = 0.3;
  for (let index = 0; index + 1 < samples.length; index++) {
    // Whole pixels: neighbours that overlap would show as stripes.
    const from = Math.round(plot.valToPos(samples[index]!.time / 1000, "x", true));
    const to = Math.round(plot.valToPos(samples[index + 1]!.time / 1000, "x", true));
    if (to < bbox.left) continue;
    for (const slice of samples[index]!.slices) {
      const high = plot.valToPos(slice.to / 1000, "y", true);
      ctx.fillStyle = ports.colourOf(slice.source);
      ctx.fillRect(from, high, to - from, plot.valToPos(slice.from / 1000, "y", true) - high);
    }
  }
  ctx.restore();
}

function axes({ colours, locale, spanMs }: LimitsPorts): uPlot.Axis[] {
  const common = { stroke: colours.inkSoft, font: "12px Inter, system-ui, sans-serif", ticks: { show: false } };
  const words = (seconds: number): string =>
    spanMs() > 600_000 ? clock(locale, seconds * 1000) : clockSeconds(locale, seconds * 1000);
  return [
    { ...common, grid: { show: false }, size: 28, space: 84, values: (_, times) => times.map(words) },
    {
      ...common,
      grid: { stroke: colours.line, width: 1 },
      size: 40,
      space: 40,
      values: (_, powers) => powers.map((power) => new Intl.NumberFormat(locale).format(power)),
    },
  ];
}

export function options(ports: LimitsPorts, width: number, height: number): uPlot.Options {
  const { colours } = ports;
  const steps = uPlot.paths.stepped!({ align: 1 });
  const plain = { points: { show: false } } as const;
  return {
    width,
    height,
    padding: [10, 14, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: false, range: () => [begin(ports) / 1000, ports.now() / 1000] },
      y: { range: () => [0, ports.top()] },
    },
    series: [
      {},
      { ...plain, stroke: colours.left, width: 1.5, fill: colours.leftFill },
      { ...plain, stroke: colours.right, width: 1.5 },
      { ...plain, stroke: colours.ink, width: 1.5, dash: [5, 4], paths: steps },
      { ...plain, stroke: colours.ink, width: 1.25 },
      { ...plain, stroke: colours.cap, width: 2.5, paths: steps },
    ],
    bands: [{ series: [2, 1], fill: colours.rightFill }],
    axes: axes(ports),
    hooks: {
      drawClear: [(plot) => drawSlices(plot, ports)],
      setCursor: [(plot) => ports.onCursor(plot.cursor.idx ?? null)],
    },
  };
}
