import { useComputed } from "@preact/signals";
import type { JSX } from "preact";
import { DemoSlot } from "../demo/DemoSlot";
import { connectorViews, type ConnectorView } from "../domain/connector";
import { milliseconds, moment } from "../format/time";
import type { Location } from "../gen/powerctl/v1/location_pb";
import { locale, t } from "../i18n";
import { live, now, phase } from "../state/app";
import { mustPay } from "../state/paying";
import { Announcer } from "../ui/Announcer";
import { CapPanel } from "../ui/CapPanel";
import { ConnectorCard } from "../ui/ConnectorCard";
import { HistoryPanel } from "../ui/HistoryPanel";
import { Empty, Loading } from "../ui/Notice";
import { lazy } from "../ui/lazy";
import { Scene } from "../ui/Scene";

const PricePanel = lazy(() => import("../ui/PricePanel"));

export function StationPage({ name }: { readonly name: string }): JSX.Element {
  // Not `live` itself: news of other stations change nothing here.
  const location = useComputed(() => live.value.locations.get(name)).value;
  const sessions = useComputed(() => live.value.sessions).value;
  if (!location) return phase.value === "live" ? <Empty title={t("error.notFound")} /> : <Loading />;
  const views = connectorViews(location, sessions);
  return (
    <div class="station">
      <Heading location={location} />
      <DemoSlot />
      <div class="station-grid">
        {views.map((view) => (
          <ConnectorCard key={view.name} view={view} location={location} />
        ))}
        <div class="centre">
          <Scene location={location} views={views} />
          <CapPanel location={location} views={views} />
        </div>
        <HistoryPanel location={location} views={views} />
      </div>
      {mustPay.value && views[0] && (
        <div class="station-prices">
          <PricePanel location={location} connector={views[0].name} />
        </div>
      )}
      <Announcer location={location} views={views} />
    </div>
  );
}

export interface StationProps {
  readonly location: Location;
  readonly views: readonly ConnectorView[];
}

function Heading({ location }: { readonly location: Location }): JSX.Element {
  const seen = location.lastSeenTime;
  return (
    <>
      <div class="station-head">
        <div>
          <h1>{location.displayName || location.name}</h1>
          {location.address && <p>{location.address}</p>}
        </div>
        <ul class="facts plain">
          <Fact good={location.online} words={t(location.online ? "station.online" : "station.offline")} />
          {location.online && (
            <Fact
              good={location.managerConnected}
              words={t(location.managerConnected ? "station.manager" : "station.noManager")}
            />
          )}
        </ul>
      </div>
      {!location.online && (
        <p class="banner banner-warn banner-inset" role="alert">
          {seen ? t("station.stale", { time: moment(locale(), milliseconds(seen), now.value) }) : t("station.never")}
        </p>
      )}
    </>
  );
}

function Fact({ good, words }: { readonly good: boolean; readonly words: string }): JSX.Element {
  return (
    <li class={good ? "fact" : "fact fact-bad"}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {good ? <path d="M3 8.5l3.2 3.2L13 4.8" /> : <path d="M8 3v6M8 12.2v.3" />}
      </svg>
      {words}
    </li>
  );
}
