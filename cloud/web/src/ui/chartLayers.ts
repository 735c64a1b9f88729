/** What the chart paints itself: the withheld power above the cap, and what changed it. */

import type uPlot from "uplot";
import type { CapChange } from "../state/history";
import type { Colours } from "./chartParts";

const CAP_SERIES = 6;
const HATCH_PX = 7;

function hatch(context: CanvasRenderingContext2D, colour: string): CanvasPattern | string {
  const tile = document.createElement("canvas");
  tile.width = tile.height = HATCH_PX * devicePixelRatio;
  const pen = tile.getContext("2d");
  if (!pen) return colour;
  const size = tile.width;
  pen.strokeStyle = colour;
  pen.lineWidth = devicePixelRatio;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? colour;
}

/** Each value of the cap holds until the next sample: a rectangle from the cap to the top for each. */
export function drawWithheld(plot: uPlot, colours: Colours): void {
  const [times, caps] = [plot.data[0], plot.data[CAP_SERIES]];
  if (!times || !caps) return;
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = hatch(ctx, colours.hatch);
  for (let index = 0; index < times.length; index++) {
    const cap = caps[index];
    if (cap === null || cap === undefined) continue;
    const from = plot.valToPos(times[index]!, "x", true);
    const to = index + 1 < times.length ? plot.valToPos(times[index + 1]!, "x", true) : from;
    ctx.fillRect(from, bbox.top, to - from, plot.valToPos(cap, "y", true) - bbox.top);
  }
  ctx.restore();
}

function label(plot: uPlot, colours: Colours, change: CapChange, words: string, free: number): number {
  const { ctx, bbox } = plot;
  const x = plot.valToPos(change.time / 1000, "x", true);
  if (x < bbox.left) return free;
  const gap = 6 * devicePixelRatio;
  const width = ctx.measureText(words).width;
  const start = Math.min(x + gap, bbox.left + bbox.width - width - gap);
  if (start < free) return free;
  const y = plot.valToPos(change.cap / 1000, "y", true) - gap;
  ctx.strokeStyle = colours.surface;
  ctx.lineWidth = 5 * devicePixelRatio;
  ctx.strokeText(words, start, y);
  ctx.fillStyle = colours.cap;
  ctx.fillText(words, start, y);
  return start + width + gap;
}

/** Name each change of the cap where it happened, as far as the words do not lie on each other. */
export function drawChanges(
  plot: uPlot,
  colours: Colours,
  changes: readonly CapChange[],
  words: (change: CapChange) => string,
): void {
  const { ctx } = plot;
  ctx.save();
  ctx.font = `600 ${12 * devicePixelRatio}px Inter, system-ui, sans-serif`;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "left";
  ctx.lineJoin = "round";
  let free = -Infinity;
  for (const change of changes) free = label(plot, colours, change, words(change), free);
  ctx.restore();
}
