/** How long charging will still take, as a range. Pure. */

import { ConnectorState } from "../gen/powerctl/v1/common_pb";
import type { ConnectorLive } from "../gen/powerctl/v1/location_pb";

/** Seconds; `low` is never above `high`. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Vehicles count on what they ask for and taper near the end: even at full power their word is seldom kept exactly. */
const TAPER = 1.15;
/** A vehicle that gets less than this part of its wish would need so long that a figure says nothing. */
const LEAST_SHARE = 0.1;
const MINUTE = 60;

/** Whole minutes below twenty, else steps of five; the low end down, the high end up. */
function rounded({ low, high }: Range): Range {
  const step = high < 20 * MINUTE ? MINUTE : 5 * MINUTE;
  return { low: Math.max(0, Math.floor(low / step) * step), high: Math.max(step, Math.ceil(high / step) * step) };
}

/**
 * From the vehicle's own estimate, which holds if it gets what it asks for, to the same energy at the power of now.
 * Undefined: the vehicle has said nothing, or the power of now says nothing about later.
 */
export function timeLeft(live: ConnectorLive, ageMs: number): Range | undefined {
  const said = live.remainingDuration;
  if (!said || live.state !== ConnectorState.CHARGING || live.targetW <= 0) return undefined;
  const share = Math.min(1, live.powerW / live.targetW);
  if (share < LEAST_SHARE) return undefined;
  const elapsed = Math.max(0, ageMs) / 1000;
  const low = Math.max(0, Number(said.seconds) + said.nanos / 1e9 - elapsed);
  return rounded({ low, high: Math.max(low * TAPER, low / share) });
}
