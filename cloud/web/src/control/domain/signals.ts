/** The utility's signals: records of one demand put together, and how fast it was met. Pure. */

import { LimitSource } from "../../gen/powerctl/v1/common_pb";
import { GridEventKind } from "../../gen/powerctl/v1/uplink_pb";
import type { StationGridEvent } from "../../gen/powerctl/v1/utility_pb";
import { milliseconds } from "../../format/time";

export interface Demand {
  readonly key: string;
  /** "stations/{station}" */
  readonly station: string;
  readonly source: LimitSource;
  /** Watts AC. */
  readonly capW: number;
  readonly detail: string;
  /** Milliseconds since the epoch; undefined: has not happened, or is not in this list. */
  readonly received?: number;
  readonly applied?: number;
  readonly complied?: number;
  readonly released?: number;
  /** Watts AC when it complied. */
  readonly measuredW?: number;
  readonly failsafe: boolean;
  /** Another limit is lower: there was nothing to comply with. */
  readonly slack: boolean;
}

type Open = { -readonly [K in keyof Demand]: Demand[K] };

function at(event: StationGridEvent): number {
  const time = event.gridEvent?.eventTime ?? event.receiveTime;
  return time ? milliseconds(time) : 0;
}

const BEGINS: ReadonlySet<GridEventKind> = new Set([GridEventKind.RECEIVED, GridEventKind.FAILSAFE]);

function note(demand: Open, event: StationGridEvent): void {
  const grid = event.gridEvent!;
  const time = at(event);
  if (grid.kind === GridEventKind.RECEIVED || grid.kind === GridEventKind.FAILSAFE) demand.received ??= time;
  if (grid.kind === GridEventKind.FAILSAFE) demand.failsafe = true;
  if (grid.kind === GridEventKind.APPLIED) demand.applied ??= time;
  if (grid.kind === GridEventKind.COMPLIED) {
    demand.complied ??= time;
    if (grid.measuredW !== undefined) demand.measuredW ??= grid.measuredW;
  }
  if (grid.kind === GridEventKind.RELEASED) demand.released = time;
  demand.detail ||= grid.detail;
}

/** Limits that nobody asked for: what the station is built for, and its way from one limit to the next. */
const OWN: ReadonlySet<LimitSource> = new Set([
  LimitSource.UNSPECIFIED,
  LimitSource.HARDWARE,
  LimitSource.FAILSAFE,
  LimitSource.FALLBACK,
  LimitSource.RAMP,
]);

/** What is applied instead of a demand that is no lower leaves nothing to comply with. */
function slacken(open: Iterable<Open>, event: StationGridEvent): void {
  const { kind, source, capW } = event.gridEvent!;
  if (kind !== GridEventKind.APPLIED) return;
  for (const demand of open) {
    const other = demand.station === event.station && demand.source !== source;
    if (other && demand.applied === undefined && demand.capW >= capW) demand.slack = true;
  }
}

/** Demands, newest first. `events` in any order; a new demand of the same source ends the wait for the former one. */
export function demands(events: readonly StationGridEvent[]): Demand[] {
  const found: Open[] = [];
  const open = new Map<string, Open>();
  for (const event of [...events].sort((a, b) => at(a) - at(b))) {
    const grid = event.gridEvent;
    if (!grid) continue;
    slacken(open.values(), event);
    if (OWN.has(grid.source) && grid.kind !== GridEventKind.FAILSAFE) continue;
    const lane = `${event.station} ${grid.source}`;
    let current = open.get(lane);
    if (!current || BEGINS.has(grid.kind)) {
      const key = `${lane} ${at(event)} ${found.length}`;
      current = {
        key,
        station: event.station,
        source: grid.source,
        capW: grid.capW,
        detail: "",
        failsafe: false,
        slack: false,
      };
      found.push(current);
      open.set(lane, current);
    }
    note(current, event);
    if (grid.kind === GridEventKind.RELEASED) open.delete(lane);
  }
  return found.reverse();
}

/** Seconds from the demand to the measured compliance. Undefined: not known. */
export function latency(demand: Demand): number | undefined {
  if (demand.received === undefined || demand.complied === undefined) return undefined;
  return Math.max(0, (demand.complied - demand.received) / 1000);
}

export interface Compliance {
  readonly asked: number;
  readonly met: number;
  /** Seconds; undefined: nothing was met. */
  readonly median: number | undefined;
  readonly worst: number | undefined;
}

export function compliance(list: readonly Demand[]): Compliance {
  const asked = list.filter((demand) => demand.received !== undefined && !demand.slack);
  const times = asked.map(latency).filter((time) => time !== undefined);
  times.sort((a, b) => a - b);
  return { asked: asked.length, met: times.length, median: times[Math.floor(times.length / 2)], worst: times.at(-1) };
}
