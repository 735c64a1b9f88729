/** Stations whose markers would cover each other, put together under one marker. Pure. */

import type { Point } from "./project";

/** Pixels between two markers; the buttons are 44 px wide. */
const APART = 46;

export interface Placed {
  readonly point: Point;
}

export interface Cluster<T extends Placed> {
  /** Where the first member stands: two clusters are never nearer to each other than `APART`. */
  readonly point: Point;
  readonly members: readonly T[];
}

interface Open<T> {
  readonly at: Point;
  readonly point: Point;
  readonly members: T[];
}

function cellOf(at: Point): readonly [column: number, row: number] {
  return [Math.floor(at.x / APART), Math.floor(at.y / APART)];
}

/** Every cluster that could be near: those in the cell of `at` and around it. */
function* around<T>(grid: ReadonlyMap<string, Open<T>[]>, at: Point): Generator<Open<T>> {
  const [column, row] = cellOf(at);
  for (let x = column - 1; x <= column + 1; x += 1) {
    for (let y = row - 1; y <= row + 1; y += 1) yield* grid.get(`${x} ${y}`) ?? [];
  }
}

/**
 * `places` by what is drawn together at this scale, in the order in which they come. What belongs together depends on the
 * scale alone: a map that is dragged does not regroup.
 */
export function clusters<T extends Placed>(places: readonly T[], scale: number): readonly Cluster<T>[] {
  const grid = new Map<string, Open<T>[]>();
  const made: Open<T>[] = [];
  for (const place of places) {
    const at = { x: place.point.x * scale, y: place.point.y * scale };
    const near = [...around(grid, at)].find((one) => Math.hypot(one.at.x - at.x, one.at.y - at.y) < APART);
    if (near) {
      near.members.push(place);
      continue;
    }
    const fresh: Open<T> = { at, point: place.point, members: [place] };
    made.push(fresh);
    const key = cellOf(at).join(" ");
    grid.set(key, [...(grid.get(key) ?? []), fresh]);
  }
  return made;
}
