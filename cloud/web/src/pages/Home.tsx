import type { JSX } from "preact";
import { connectorViews } from "../domain/connector";
import { ConnectorState } from "../gen/powerctl/v1/common_pb";
import type { Location } from "../gen/powerctl/v1/location_pb";
import { t } from "../i18n";
import { link } from "../routes";
import { live, phase } from "../state/app";
import { Empty, Loading } from "../ui/Notice";
import { StationPage } from "./Station";

/** One station is its own home; several are a list. */
export function Home(): JSX.Element {
  const stations = [...live.value.locations.values()];
  const [only] = stations;
  if (!only) return phase.value === "live" ? <NoStation /> : <Loading />;
  return stations.length === 1 ? <StationPage name={only.name} /> : <Stations stations={stations} />;
}

function NoStation(): JSX.Element {
  return <Empty title={t("station.none")} lead={t("station.noneLead")} />;
}

function Stations({ stations }: { readonly stations: readonly Location[] }): JSX.Element {
  const sorted = [...stations].sort((a, b) => a.displayName.localeCompare(b.displayName));
  return (
    <section class="page">
      <h1>{t("station.list")}</h1>
      <ul class="cards">
        {sorted.map((station) => (
          <StationItem key={station.name} station={station} />
        ))}
      </ul>
    </section>
  );
}

function StationItem({ station }: { readonly station: Location }): JSX.Element {
  const views = connectorViews(station, live.value.sessions);
  const charging = views.filter((view) => view.energised).length;
  const free = views.filter((view) => view.state === ConnectorState.AVAILABLE).length;
  return (
    <li>
      <a class="panel station-item" href={link.station(station.name)}>
        <strong>{station.displayName}</strong>
        <span>{station.address}</span>
        <span class="chips">
          {!station.online && <span class="chip chip-off">{t("station.offline")}</span>}
          {charging > 0 && <span class="chip chip-charging">{t("station.charging", { count: charging })}</span>}
          {free > 0 && station.online && <span class="chip">{t("station.free", { count: free })}</span>}
        </span>
      </a>
    </li>
  );
}
