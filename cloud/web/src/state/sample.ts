/** One point of the picture, taken from a station as it is now. */

import { connectorViews, type ConnectorView } from "../domain/connector";
import { sourceCode } from "../domain/words";
import type { Location } from "../gen/powerctl/v1/location_pb";
import type { Sample } from "./history";

/** A connector at rest holds a limit too; the picture shows what is granted to a vehicle. */
function granted(view: ConnectorView | undefined): number | null {
  if (!view?.live) return null;
  return view.energised ? view.live.limitW : 0;
}

export function sampleOf(location: Location, time: number): Sample {
  const views = connectorViews(location, new Map());
  const left = views.find((view) => view.side === "left");
  const right = views.find((view) => view.side === "right");
  const limits = location.stationLimits;
  return {
    time,
    cap: limits?.capW ?? null,
    ac: location.acPowerW ?? null,
    left: left?.live?.powerW ?? null,
    right: right?.live?.powerW ?? null,
    leftLimit: granted(left),
    rightLimit: granted(right),
    source: limits ? sourceCode(limits.source) : "",
  };
}
