/** The picture of caps and shares over time, as uPlot draws it. */

import { numbers } from "../format/intl";
import uPlot from "uplot";
import { SPAN_S, type Colours } from "./chartParts";
import { drawChanges, drawWithheld } from "./chartLayers";
import type { CapChange } from "../state/history";
import { clockSeconds } from "../format/time";

export interface ChartPorts {
  readonly colours: Colours;
  readonly locale: string;
  /** Seconds since the epoch, by the server's clock. */
  now(): number;
  /** Kilowatts: top of the picture. */
  top(): number;
  changes(): readonly CapChange[];
  words(change: CapChange): string;
  /** Index of the sample under the pointer; null: none. */
  onCursor(index: number | null): void;
}

const stepped = (): uPlot.Series.PathBuilder => uPlot.paths.stepped!({ align: 1 });

function series({ colours }: ChartPorts): uPlot.Series[] {
  const steps = stepped();
  const plain = { points: { show: false } } as const;
  return [
    {},
    { ...plain, stroke: colours.left, width: 1.5, fill: colours.leftFill },
    { ...plain, stroke: colours.right, width: 1.5 },
    { ...plain, stroke: colours.left, width: 1.5, dash: [5, 4], paths: steps },
    { ...plain, stroke: colours.right, width: 1.5, dash: [5, 4], paths: steps },
    { ...plain, stroke: colours.ink, width: 1.25 },
    { ...plain, stroke: colours.cap, width: 2.5, paths: steps },
  ];
}

function axes({ colours, locale }: ChartPorts): uPlot.Axis[] {
  const common = { stroke: colours.inkSoft, font: "12px Inter, system-ui, sans-serif" };
  const grid = { stroke: colours.line, width: 1 };
  return [
    {
      ...common,
      grid: { show: false },
      ticks: { show: false },
      size: 30,
      space: 84,
      values: (_plot, times) => times.map((time) => clockSeconds(locale, time * 1000)),
    },
    {
      ...common,
      grid,
      ticks: { show: false },
      size: 42,
      space: 44,
      values: (_plot, powers) => powers.map((power) => numbers(locale).format(power)),
    },
  ];
}

export function options(ports: ChartPorts, width: number, height: number): uPlot.Options {
  return {
    width,
    height,
    padding: [12, 30, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: false, range: () => [ports.now() - SPAN_S, ports.now()] },
      y: { range: () => [0, ports.top()] },
    },
    series: series(ports),
    bands: [{ series: [2, 1], fill: ports.colours.rightFill }],
    axes: axes(ports),
    hooks: {
      drawClear: [(plot) => drawWithheld(plot, ports.colours)],
      draw: [(plot) => drawChanges(plot, ports.colours, ports.changes(), ports.words)],
      setCursor: [(plot) => ports.onCursor(plot.cursor.idx ?? null)],
    },
  };
}
