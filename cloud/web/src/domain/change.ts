/** What would change the power of a connector: the binding limit lifted, and what the next one then allows. Pure. */

import { ConnectorState, LimitSource, type Limit } from "../gen/powerctl/v1/common_pb";
import type { ConnectorLive } from "../gen/powerctl/v1/location_pb";
import { milliseconds } from "../format/time";

export interface Change {
  /** Whose limit would have to go. */
  readonly source: LimitSource;
  /** What the connector would then give, watts DC. Undefined: no more than now. */
  readonly upToW: number | undefined;
  /** When that happens by itself, milliseconds since the epoch. Undefined: not known. */
  readonly at: number | undefined;
}

/** A vehicle that asks for less than this part of its limit is what binds (as in the cloud's own sentence). */
const FOLLOWS_ITS_LIMIT = 0.9;
/** Less than this more is nothing to speak of. */
const WORTH_SAYING = 1.03;

/** What the cloud's own sentence says then (`cloud/domain/why.py`). */
export const VEHICLE_WORDS = "the vehicle asks for no more";

/** Whether the vehicle itself asks for less than it may have. The cloud knows more: where it has spoken, it is right. */
export function vehicleBinds(live: ConnectorLive): boolean {
  if (live.why) return live.why.includes(VEHICLE_WORDS);
  return live.state === ConnectorState.CHARGING && live.targetW > 0 && live.targetW < live.limitW * FOLLOWS_ITS_LIMIT;
}

/** What the binding limit keeps back; undefined while nothing flows or nothing binds. */
export function change(live: ConnectorLive): Change | undefined {
  if (live.state !== ConnectorState.CHARGING && live.state !== ConnectorState.PAUSED) return undefined;
  if (vehicleBinds(live)) return { source: LimitSource.VEHICLE, upToW: undefined, at: undefined };
  const [binding] = live.reasons;
  if (!binding) return undefined;
  return { source: binding.source, upToW: without(live, binding), at: endOf(binding) };
}

/** What each connector's part is follows from the cap: where the cap goes, these go with it. */
const FROM_THE_CAP: ReadonlySet<LimitSource> = new Set([
  LimitSource.SHARE,
  LimitSource.HANDOVER,
  LimitSource.RAMP,
  LimitSource.PLAN,
]);

function without(live: ConnectorLive, binding: Limit): number | undefined {
  const rest = live.reasons.filter((limit) => limit.source !== binding.source);
  // How much would be shared then, nobody has computed.
  if (rest.some((limit) => FROM_THE_CAP.has(limit.source))) return undefined;
  const others = rest.map((limit) => limit.limitW);
  if (live.targetW > 0) others.push(live.targetW);
  const next = Math.min(...others);
  return Number.isFinite(next) && next > Math.max(binding.limitW, live.powerW) * WORTH_SAYING ? next : undefined;
}

function endOf(limit: Limit): number | undefined {
  return limit.expireTime && milliseconds(limit.expireTime);
}
