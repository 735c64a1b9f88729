/** Web Mercator (EPSG:3857) in units of the world's width, and the window through which a map is seen. Pure. */

import type { Place } from "../domain/find";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The centre, and how many pixels the whole world would be wide. */
export interface View extends Point {
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The world in 360 px, and a street in a window. */
const FARTHEST = 700;
const NEAREST = 40_000_000;
/** A single station is shown with this much around it: about a hundred kilometres across a phone. */
const ALONE = 70_000;
/** Pixels around the stations: a pin stands above its place, and the buttons at the right keep clear of pins. */
const PAD = { left: 30, right: 84, top: 60, bottom: 30 } as const;
const SMALLEST_PX = 40;
/** A smaller step nearer looks like nothing. */
const NOTICEABLY = 1.05;

export function project({ latitude, longitude }: Place): Point {
  const sine = Math.sin((latitude * Math.PI) / 180);
  return { x: longitude / 360 + 0.5, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) };
}

/** Where a point of the world is in the window, in pixels from its top left. */
export function onScreen(point: Point, view: View, size: Size): Point {
  return { x: (point.x - view.x) * view.scale + size.width / 2, y: (point.y - view.y) * view.scale + size.height / 2 };
}

function bounded(scale: number): number {
  return Math.min(NEAREST, Math.max(FARTHEST, scale));
}

/** Everything in the window, with room around it; `most` bounds how near. */
export function fit(points: readonly Point[], size: Size, most = ALONE): View {
  if (!points.length) return { x: 0.57, y: 0.29, scale: 2_000 };
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const wide = Math.max(SMALLEST_PX, size.width - PAD.left - PAD.right) / Math.max(1e-9, right - left);
  const high = Math.max(SMALLEST_PX, size.height - PAD.top - PAD.bottom) / Math.max(1e-9, bottom - top);
  const scale = bounded(Math.min(wide, high, most));
  return {
    x: (left + right) / 2 + (PAD.right - PAD.left) / 2 / scale,
    y: (top + bottom) / 2 - (PAD.top - PAD.bottom) / 2 / scale,
    scale,
  };
}

/** The window that holds these, nearer than `view`. Undefined: they stand at one place, or there is nothing nearer. */
export function closer(view: View, points: readonly Point[], size: Size): View | undefined {
  const next = fit(points, size, NEAREST);
  return next.scale > view.scale * NOTICEABLY && next.scale < NEAREST ? next : undefined;
}

/** Nearer by `factor`; the place under `at`, in pixels from the centre, stays where it is. */
export function zoomed(view: View, factor: number, at: Point = { x: 0, y: 0 }): View {
  const scale = bounded(view.scale * factor);
  const still = 1 / view.scale - 1 / scale;
  return { x: view.x + at.x * still, y: view.y + at.y * still, scale };
}

/** Moved by pixels, as a hand drags the paper. */
export function dragged(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale };
}

/** A round length for the scale bar, in kilometres, and how many pixels it takes at the centre; below `most` pixels. */
export function scaleBar(view: View, most: number): { readonly km: number; readonly pixels: number } {
  const latitude = Math.atan(Math.sinh(Math.PI * (1 - 2 * view.y)));
  const kmPerPixel = (40_075 * Math.cos(latitude)) / view.scale;
  const power = 10 ** Math.floor(Math.log10(most * kmPerPixel));
  const km = [5, 2, 1].map((digit) => digit * power).find((length) => length / kmPerPixel <= most) ?? power;
  return { km, pixels: km / kmPerPixel };
}
