/** What about a station needs somebody's eye. Pure. */

import type { Station } from "../../gen/powerctl/v1/fleet_pb";
import { milliseconds } from "../../format/time";

export type Worry = "offline" | "alarms" | "outbox" | "certificate" | "drift" | "manager" | "clock";

/** Records that wait longer than this are late; the outbox empties within seconds. */
export const OUTBOX_LATE_MS = 60_000;
/** Stations renew their certificates well before this. */
export const CERTIFICATE_SOON_MS = 14 * 86_400_000;
/** Further off, and readings carry a wrong time. */
export const CLOCK_OFF_S = 2;

/**
 * How long the oldest record has waited, milliseconds; undefined: nothing waits. While a station is online that is as of
 * its last report, for it tells only every ten minutes; from one that is not, nothing has come since.
 */
export function waiting(station: Station, now: number): number | undefined {
  if (!station.outboxRecords || !station.outboxOldestTime) return undefined;
  const told = station.online && station.healthTime ? milliseconds(station.healthTime) : now;
  return Math.max(0, told - milliseconds(station.outboxOldestTime));
}

type Check = (station: Station, now: number) => boolean;

const CHECKS: readonly (readonly [worry: Worry, holds: Check])[] = [
  ["offline", (station) => !station.online],
  ["alarms", (station) => station.openAlarms > 0],
  ["outbox", (station, now) => (waiting(station, now) ?? 0) > OUTBOX_LATE_MS],
  [
    "certificate",
    (station, now) =>
      !!station.certificateEndTime && milliseconds(station.certificateEndTime) - now < CERTIFICATE_SOON_MS,
  ],
  ["drift", (station) => station.configDrift],
  ["manager", (station) => station.online && !station.managerConnected],
  ["clock", (station) => Math.abs(station.clockOffsetS ?? 0) > CLOCK_OFF_S],
];

/** Gravest first; empty: all is well. `now` in milliseconds. */
export function worries(station: Station, now: number): readonly Worry[] {
  return CHECKS.filter(([, holds]) => holds(station, now)).map(([worry]) => worry);
}
