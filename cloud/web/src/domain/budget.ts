/** How the station's power is used at this moment, at the grid connection. */

import { LimitSource } from "../gen/powerctl/v1/common_pb";
import type { Location } from "../gen/powerctl/v1/location_pb";

/** All in watts, none negative. left + right + losses + free + withheld = rating while the station keeps its cap. */
export interface Budget {
  /** Full width of the picture: the station's rating, AC. */
  readonly rating: number;
  readonly cap: number;
  /** DC power into the vehicles. */
  readonly left: number;
  readonly right: number;
  /** What the conversion and the station itself take: AC measured less DC. */
  readonly losses: number;
  readonly free: number;
  readonly withheld: number;
}

/** What the station could draw with no limit but its own, as far as it has told; zero: not known. */
export function ratingOf(location: Location): number {
  const { sources = [], capW = 0 } = location.stationLimits ?? {};
  const hardware = sources.find((limit) => limit.source === LimitSource.HARDWARE)?.limitW;
  return Math.max(capW, hardware ?? Math.max(0, ...sources.map((limit) => limit.limitW)));
}

/** The budget, or undefined while the station has not said what limits it. */
export function budget(location: Location, leftW: number, rightW: number): Budget | undefined {
  const limits = location.stationLimits;
  if (!limits) return undefined;
  const left = Math.max(0, leftW);
  const right = Math.max(0, rightW);
  const drawn = Math.max(location.acPowerW ?? left + right, left + right);
  const full = ratingOf(location);
  return {
    rating: full,
    cap: limits.capW,
    left,
    right,
    losses: drawn - left - right,
    free: Math.max(0, limits.capW - drawn),
    withheld: Math.max(0, full - Math.max(limits.capW, drawn)),
  };
}
