/** What about a station needs somebody's eye: the cloud judges, this words it. Pure. */

import { HealthIssue } from "../../gen/powerctl/v1/fleet_health_pb";
import type { Station } from "../../gen/powerctl/v1/fleet_pb";
import { milliseconds } from "../../format/time";

export type Worry = "offline" | "alarms" | "outbox" | "certificate" | "drift" | "manager" | "clock";

const WORRIES: Record<HealthIssue, Worry | undefined> = {
  [HealthIssue.UNSPECIFIED]: undefined,
  [HealthIssue.OFFLINE]: "offline",
  [HealthIssue.ALARMS]: "alarms",
  [HealthIssue.OUTBOX]: "outbox",
  [HealthIssue.CERTIFICATE]: "certificate",
  [HealthIssue.DRIFT]: "drift",
  [HealthIssue.MANAGER]: "manager",
  [HealthIssue.CLOCK]: "clock",
};

/** Undefined: of a later version. */
export function worryOf(issue: HealthIssue): Worry | undefined {
  return WORRIES[issue];
}

/** Gravest first; empty: all is well. */
export function worries(station: Station): readonly Worry[] {
  return station.healthIssues.map(worryOf).filter((worry) => worry !== undefined);
}

/**
 * How long the oldest record has waited, milliseconds; undefined: nothing waits. While a station is online that is as of
 * its last report, for it tells only every ten minutes; from one that is not, nothing has come since.
 */
export function waiting(station: Station, now: number): number | undefined {
  if (!station.outboxRecords || !station.outboxOldestTime) return undefined;
  const told = station.online && station.healthTime ? milliseconds(station.healthTime) : now;
  return Math.max(0, told - milliseconds(station.outboxOldestTime));
}

/** How the cloud is asked for stations: what is searched, and one worry, or any. */
export function filterOf(search: string, filter: "all" | "worries" | Worry): string {
  const parts = search
    .split(/[\s"\\]+/)
    .filter(Boolean)
    .map((word) => `"${word}"`);
  if (filter === "worries") parts.push("health:*");
  else if (filter !== "all") parts.push(`health:${filter.toUpperCase()}`);
  return parts.join(" ");
}
