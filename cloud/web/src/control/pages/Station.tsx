import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { CALL } from "../../api/clients";
import { connectorViews } from "../../domain/connector";
import { lastSegment } from "../../domain/names";
import type { Station } from "../../gen/powerctl/v1/fleet_pb";
import type { Location } from "../../gen/powerctl/v1/location_pb";
import { followOnly, live } from "../../state/app";
import { Loading } from "../../ui/Notice";
import { fleet } from "../api";
import { w, type Word } from "../i18n";
import { to } from "../routes";
import { usePolled } from "../state/polled";
import { AlarmItem } from "../ui/AlarmItem";
import { Commands } from "../ui/Commands";
import { ConnectorPanel } from "../ui/ConnectorPanel";
import { Events } from "../ui/Events";
import { CertificateEnd, Health, Outbox, Signal } from "../ui/Health";
import { LimitsPanel } from "../ui/LimitsPanel";
import { Ago, Broken, Head, Nothing } from "../ui/parts";
import { ConfigurationTab } from "./Configuration";
import { DaysTab } from "./StationDays";
import { EventsTab } from "./StationEvents";
import { FilesTab } from "./StationFiles";

const TABS = ["", "days", "events", "configuration", "files"] as const;

function Tabs({ id, tab }: { readonly id: string; readonly tab: string }): JSX.Element {
  return (
    <nav class="tabs" aria-label={w("station.tabs")}>
      {TABS.map((one) => (
        <a key={one} href={to.station(id, one)} aria-current={one === tab ? "page" : undefined}>
          {w(one ? `station.${one}` : "station.now")}
        </a>
      ))}
    </nav>
  );
}

function Facts({ station }: { readonly station: Station }): JSX.Element {
  const offset = station.clockOffsetS;
  const facts: readonly (readonly [Word, JSX.Element | string])[] = [
    ["fleet.health", <Health station={station} />],
    ["fleet.seen", <Ago time={station.lastSeenTime} />],
    ["fleet.signal", <Signal station={station} />],
    ["fleet.outbox", <Outbox station={station} />],
    ["fleet.certificate", <CertificateEnd station={station} />],
    ["fleet.version", station.softwareVersion || "–"],
    ["fleet.clock", offset === undefined ? "–" : `${offset.toFixed(3)} s`],
    ["fleet.config", <code title={station.configDigest}>{station.configDigest.slice(0, 12) || "–"}</code>],
  ];
  return (
    <dl class="facts-grid">
      {facts.map(([key, value]) => (
        <div key={key}>
          <dt>{w(key)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function StationPage({ id, tab }: { readonly id: string; readonly tab: string }): JSX.Element {
  const name = `stations/${id}`;
  const [loaded, again] = usePolled(name, () => fleet.getStation({ name }, CALL));
  useEffect(() => followOnly([`locations/${id}`]), [id]);
  if (loaded.status === "failed") return <Broken sentence={loaded.sentence} retry={again} />;
  if (loaded.status === "loading") return <Loading />;
  const station = loaded.value;
  return (
    <>
      <p class="crumbs">
        <a href={to.section("fleet")}>{w("nav.fleet")}</a> / {id}
      </p>
      <Head title={station.displayName || id}>
        <Tabs id={id} tab={tab} />
      </Head>
      <Facts station={station} />
      {tab === "" && <Now station={station} />}
      {tab === "days" && <DaysTab station={name} />}
      {tab === "events" && <EventsTab station={name} />}
      {tab === "configuration" && <ConfigurationTab station={name} />}
      {tab === "files" && <FilesTab station={name} />}
    </>
  );
}

function Now({ station }: { readonly station: Station }): JSX.Element {
  const location = live.value.locations.get(station.location);
  return (
    <>
      {location ? <Live station={station} location={location} /> : <Nothing title={w("station.silent")} />}
      <div class="two">
        <StationAlarms station={station.name} />
        <Latest station={station.name} />
      </div>
    </>
  );
}

interface LiveProps {
  readonly station: Station;
  readonly location: Location;
}

function Live({ station, location }: LiveProps): JSX.Element {
  const views = connectorViews(location, live.value.sessions);
  const [loaded, again] = usePolled(`commands ${station.name}`, async () => {
    const answer = await fleet.listRemoteCommands({ parent: station.name, pageSize: 10 }, CALL);
    return answer.remoteCommands;
  });
  return (
    <div class="station-now">
      <div class="station-left">
        <LimitsPanel location={location} />
        {loaded.status === "ready" && <Commands commands={loaded.value} />}
      </div>
      <div class="station-connectors">
        {views.map((view) => (
          <ConnectorPanel
            key={view.name}
            view={view}
            number={Number(lastSegment(view.name))}
            station={station.name}
            sent={again}
          />
        ))}
      </div>
    </div>
  );
}

function StationAlarms({ station }: { readonly station: string }): JSX.Element {
  const [loaded, again] = usePolled(`alarms ${station}`, () =>
    fleet.listAlarms({ parent: station, pageSize: 20 }, CALL),
  );
  return (
    <section class="panel" aria-labelledby="station-alarms">
      <h2 id="station-alarms">{w("nav.alarms")}</h2>
      {loaded.status === "failed" && <Broken sentence={loaded.sentence} retry={again} />}
      {loaded.status === "ready" && loaded.value.alarms.length === 0 && <Nothing title={w("alarms.none")} />}
      {loaded.status === "ready" && (
        <ul class="alarm-list plain">
          {loaded.value.alarms.map((alarm) => (
            <AlarmItem key={alarm.name} alarm={alarm} changed={again} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Latest({ station }: { readonly station: string }): JSX.Element {
  const [loaded, again] = usePolled(`latest ${station}`, () =>
    fleet.listStationEvents({ parent: station, pageSize: 12 }, CALL),
  );
  return (
    <section class="panel" aria-labelledby="latest">
      <div class="panel-head">
        <h2 id="latest">{w("station.latest")}</h2>
        <a class="small" href={to.station(lastSegment(station), "events")}>
          {w("station.allEvents")}
        </a>
      </div>
      {loaded.status === "failed" && <Broken sentence={loaded.sentence} retry={again} />}
      {loaded.status === "ready" && <Events events={loaded.value.events} linked />}
    </section>
  );
}
