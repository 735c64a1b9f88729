/** How much a live value can still be trusted. */

import { isEnergised } from "../domain/connector";
import type { ConnectorState } from "../gen/powerctl/v1/common_pb";

export type Freshness = "fresh" | "late" | "stale";

/** Values come every second while energised and every minute otherwise (`uplink.proto`, Telemetry). */
const LIMITS_MS = { energised: { late: 3_000, stale: 10_000 }, idle: { late: 75_000, stale: 150_000 } };

export function freshness(state: ConnectorState, ageMs: number): Freshness {
  const limits = isEnergised(state) ? LIMITS_MS.energised : LIMITS_MS.idle;
  if (ageMs > limits.stale) return "stale";
  return ageMs > limits.late ? "late" : "fresh";
}
