/** The picture of a station's limits from before the page was opened, as the station's records tell it. */

import { connectorViews } from "../../domain/connector";
import { lastSegment } from "../../domain/names";
import { milliseconds } from "../../format/time";
import { ConnectorState } from "../../gen/powerctl/v1/common_pb";
import type { Location } from "../../gen/powerctl/v1/location_pb";
import type { ConnectorTelemetry, Record as StationRecord } from "../../gen/powerctl/v1/uplink_pb";
import { isEnergised } from "../../domain/connector";
import { sourceCode } from "../../domain/words";
import { slices, topOf, type LimitSample } from "./limits";

function granted(connector: ConnectorTelemetry | undefined): number | null {
  if (!connector || connector.state === ConnectorState.UNSPECIFIED) return null;
  return isEnergised(connector.state) ? connector.limitW : 0;
}

/** Samples of those records that are live values, in their order. */
export function pastOf(location: Location, records: readonly StationRecord[]): LimitSample[] {
  const numbers = new Map(
    connectorViews(location, new Map()).map((view) => [view.side, Number(lastSegment(view.name))]),
  );
  const top = topOf(location);
  return records.flatMap(({ recordTime, body }) => {
    if (body.case !== "telemetry" || !recordTime) return [];
    const { acPowerW, stationLimits, connectors } = body.value;
    const at = (side: "left" | "right"): ConnectorTelemetry | undefined =>
      connectors.find((one) => one.connector === numbers.get(side));
    const [left, right] = [at("left"), at("right")];
    const sample: LimitSample = {
      time: milliseconds(recordTime),
      cap: stationLimits?.capW ?? null,
      ac: acPowerW ?? null,
      left: left?.powerW ?? null,
      right: right?.powerW ?? null,
      leftLimit: granted(left),
      rightLimit: granted(right),
      source: stationLimits ? sourceCode(stationLimits.source) : "",
      slices: slices(stationLimits?.sources ?? [], top),
    };
    return [sample];
  });
}
