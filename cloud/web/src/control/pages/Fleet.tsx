import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { power, text } from "../../format/quantity";
import { duration, milliseconds } from "../../format/time";
import type { Station } from "../../gen/powerctl/v1/fleet_pb";
import { locale } from "../../i18n";
import { live, now } from "../../state/app";
import { Loading } from "../../ui/Notice";
import { fleet } from "../api";
import { waiting, worries, type Worry } from "../domain/health";
import { w, type Word } from "../i18n";
import { idOf, to } from "../routes";
import { everything } from "../state/paged";
import { usePolled } from "../state/polled";
import { CertificateEnd, Health, Outbox, Signal } from "../ui/Health";
import { Ago, Badge, Broken, Choices, Head, Nothing, Search } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

type Filter = "all" | "worries" | Worry;
const FILTERS: readonly Filter[] = ["all", "worries", "offline", "alarms", "outbox", "certificate", "drift"];
const FAR = Number.MAX_SAFE_INTEGER;

async function stations(): Promise<readonly Station[]> {
  return everything(async (pageToken) => {
    const answer = await fleet.listStations({ pageSize: 100, pageToken }, CALL);
    return { items: answer.stations, next: answer.nextPageToken };
  });
}

function seconds(time: Station["lastSeenTime"]): number {
  return time ? milliseconds(time) : 0;
}

/** Watts now: the stream knows it before the list does. */
function powerOf(station: Station): number | undefined {
  return live.value.locations.get(station.location)?.acPowerW ?? station.acPowerW;
}

const COLUMNS: readonly (Column<Station> & { readonly title: Word })[] = [
  {
    key: "name",
    title: "fleet.name",
    by: (station) => station.displayName || station.name,
    cell: (station) => (
      <a class="row-link" href={to.station(idOf(station.name))}>
        <strong>{station.displayName || idOf(station.name)}</strong>
        <small>{idOf(station.name)}</small>
      </a>
    ),
  },
  {
    key: "health",
    title: "fleet.health",
    by: (station) => -worries(station, now.value).length * 1000 - station.openAlarms,
    cell: (station) => <Health station={station} />,
  },
  {
    key: "power",
    title: "fleet.power",
    number: true,
    by: (station) => powerOf(station) ?? -1,
    cell: (station) => {
      const watts = powerOf(station);
      return watts === undefined ? "–" : text(power(locale(), watts));
    },
  },
  {
    key: "sessions",
    title: "fleet.sessions",
    number: true,
    by: (station) => station.openSessions,
    cell: (station) => String(station.openSessions),
  },
  {
    key: "signal",
    title: "fleet.signal",
    by: (station) => station.signalClass,
    cell: (station) => <Signal station={station} />,
  },
  {
    key: "outbox",
    title: "fleet.outbox",
    by: (station) => waiting(station, now.value) ?? 0,
    cell: (station) => <Outbox station={station} />,
  },
  {
    key: "certificate",
    title: "fleet.certificate",
    by: (station) => (station.certificateEndTime ? milliseconds(station.certificateEndTime) : FAR),
    cell: (station) => <CertificateEnd station={station} />,
  },
  {
    key: "version",
    title: "fleet.version",
    by: (station) => station.softwareVersion,
    cell: (station) => (
      <>
        {station.softwareVersion || "–"} {station.configDrift && <Badge tone="warn">{w("health.drift")}</Badge>}
      </>
    ),
  },
  {
    key: "seen",
    title: "fleet.seen",
    by: (station) => seconds(station.lastSeenTime),
    cell: (station) => <Ago time={station.lastSeenTime} />,
  },
];

function fits(station: Station, filter: Filter, search: string, at: number): boolean {
  const wanted = search.trim().toLowerCase();
  const named = `${station.displayName} ${station.name} ${station.softwareVersion}`.toLowerCase();
  if (wanted && !named.includes(wanted)) return false;
  if (filter === "all") return true;
  const found = worries(station, at);
  return filter === "worries" ? found.length > 0 : found.includes(filter);
}

function Totals({ rows }: { readonly rows: readonly Station[] }): JSX.Element {
  const online = rows.filter((station) => station.online).length;
  const watts = rows.reduce((sum, station) => sum + (powerOf(station) ?? 0), 0);
  const oldest = Math.max(0, ...rows.map((row) => waiting(row, now.value) ?? 0));
  const figures: readonly (readonly [Word, string, boolean])[] = [
    ["totals.online", `${online} / ${rows.length}`, online < rows.length],
    ["totals.power", text(power(locale(), watts)), false],
    ["totals.sessions", String(rows.reduce((sum, row) => sum + row.openSessions, 0)), false],
    [
      "totals.alarms",
      String(rows.reduce((sum, row) => sum + row.openAlarms, 0)),
      rows.some((row) => row.openAlarms > 0),
    ],
    ["totals.outbox", oldest ? duration(oldest / 1000) : "–", oldest > 60_000],
  ];
  return (
    <dl class="totals">
      {figures.map(([key, value, bad]) => (
        <div key={key} class={bad ? "bad" : undefined}>
          <dt>{w(key)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function FleetPage(): JSX.Element {
  const [filter, setFilter] = useState<Filter>("all");
  const [search, setSearch] = useState("");
  const [loaded, again] = usePolled("fleet", stations);
  if (loaded.status === "failed") return <Broken sentence={loaded.sentence} retry={again} />;
  if (loaded.status === "loading") return <Loading />;
  const rows = loaded.value;
  const at = now.value;
  const shown = rows.filter((station) => fits(station, filter, search, at));
  const choices = FILTERS.map((value) => ({
    value,
    label: w(`filter.${value}`),
    count: rows.filter((station) => fits(station, value, "", at)).length,
  })).filter(({ value, count }) => value === filter || value === "all" || count > 0);
  return (
    <>
      <Head title={w("nav.fleet")} lead={w("fleet.lead")}>
        <Search label={w("fleet.search")} value={search} set={setSearch} />
      </Head>
      <Totals rows={rows} />
      <Choices label={w("filter.label")} value={filter} choices={choices} choose={setFilter} />
      {shown.length > 0 ? (
        <Table
          label={w("nav.fleet")}
          columns={COLUMNS.map((column) => ({ ...column, title: w(column.title) }))}
          rows={shown}
          first={{ key: "health", down: false }}
          id={(station) => station.name}
          tone={(station) => (station.online ? "" : "row-faint")}
        />
      ) : (
        <Nothing
          title={w(rows.length ? "fleet.noneFits" : "fleet.none")}
          lead={w(rows.length ? "fleet.noneFitsLead" : "fleet.noneLead")}
        />
      )}
    </>
  );
}
