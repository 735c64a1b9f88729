import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { power, text } from "../../format/quantity";
import { duration } from "../../format/time";
import { HealthIssue, type FleetSummary } from "../../gen/powerctl/v1/fleet_health_pb";
import type { ListStationsResponse, Station } from "../../gen/powerctl/v1/fleet_pb";
import { locale } from "../../i18n";
import { followed, followOnly, live } from "../../state/app";
import { Loading } from "../../ui/Notice";
import { fleet } from "../api";
import { filterOf, worryOf, type Worry } from "../domain/health";
import { w, type Word } from "../i18n";
import { idOf, to } from "../routes";
import { usePolled } from "../state/polled";
import { CertificateEnd, Health, Outbox, Signal } from "../ui/Health";
import { Ago, Badge, Broken, Choices, Head, Nothing, Search, type Choice } from "../ui/parts";
import { Table, type Column, type Order } from "../ui/Table";

type Filter = "all" | "worries" | Worry;
const WORRIES: readonly Worry[] = ["offline", "alarms", "outbox", "certificate", "drift", "manager", "clock"];
const PAGE = 50;
/** Milliseconds without a key before the search is sent. */
const TYPED = 250;

/** What is looked at; it stays while a station is looked at in between. */
interface View {
  readonly filter: Filter;
  readonly search: string;
  readonly order: Order;
  /** Tokens of the pages up to this one; the first needs none. */
  readonly tokens: readonly string[];
}

const view = signal<View>({ filter: "all", search: "", order: { key: "health", down: true }, tokens: [] });

function look(change: Partial<View>): void {
  view.value = { ...view.value, tokens: [], ...change };
}

function orderBy({ key, down }: Order): string {
  const field = COLUMNS.find((column) => column.key === key)?.by as string;
  return down ? `${field} desc` : field;
}

/** Watts now: the stream knows it before the list does. */
function powerOf(station: Station): number | undefined {
  const known = followed.value?.has(station.location) ? live.value.locations.get(station.location) : undefined;
  return known?.acPowerW ?? station.acPowerW;
}

const COLUMNS: readonly (Column<Station> & { readonly title: Word })[] = [
  {
    key: "name",
    title: "fleet.name",
    by: "display_name",
    cell: (station) => (
      <a class="row-link" href={to.station(idOf(station.name))}>
        <strong>{station.displayName || idOf(station.name)}</strong>
        <small>{idOf(station.name)}</small>
      </a>
    ),
  },
  {
    key: "health",
    downFirst: true,
    title: "fleet.health",
    by: "health",
    cell: (station) => <Health station={station} />,
  },
  {
    key: "power",
    downFirst: true,
    title: "fleet.power",
    number: true,
    by: "ac_power_w",
    cell: (station) => {
      const watts = powerOf(station);
      return watts === undefined ? "–" : text(power(locale(), watts));
    },
  },
  {
    key: "sessions",
    downFirst: true,
    title: "fleet.sessions",
    number: true,
    by: "open_sessions",
    cell: (station) => String(station.openSessions),
  },
  {
    key: "signal",
    title: "fleet.signal",
    by: "signal_class",
    cell: (station) => <Signal station={station} />,
  },
  {
    key: "outbox",
    downFirst: true,
    title: "fleet.outbox",
    by: "outbox_records",
    cell: (station) => <Outbox station={station} />,
  },
  {
    key: "certificate",
    title: "fleet.certificate",
    by: "certificate_end_time",
    cell: (station) => <CertificateEnd station={station} />,
  },
  {
    key: "version",
    title: "fleet.version",
    by: "software_version",
    cell: (station) => (
      <>
        {station.softwareVersion || "–"} {station.configDrift && <Badge tone="warn">{w("health.drift")}</Badge>}
      </>
    ),
  },
  {
    key: "seen",
    title: "fleet.seen",
    by: "last_seen_time",
    cell: (station) => <Ago time={station.lastSeenTime} />,
  },
];

function Totals({ summary }: { readonly summary: FleetSummary }): JSX.Element {
  const { onlineStations, stations, outboxAge } = summary;
  const oldest = outboxAge && Number(outboxAge.seconds);
  const late = summary.issues.some(({ issue }) => issue === HealthIssue.OUTBOX);
  const figures: readonly (readonly [Word, string, boolean])[] = [
    ["totals.online", `${onlineStations} / ${stations}`, onlineStations < stations],
    ["totals.power", text(power(locale(), summary.acPowerW)), false],
    ["totals.sessions", String(summary.openSessions), false],
    ["totals.alarms", String(summary.openAlarms), summary.openAlarms > 0],
    ["totals.outbox", oldest === undefined ? "–" : duration(oldest), late],
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

function choicesOf(summary: FleetSummary, filter: Filter): readonly Choice<Filter>[] {
  const counts = new Map(summary.issues.map(({ issue, stations }) => [worryOf(issue), stations]));
  const all: readonly (readonly [Filter, number])[] = [
    ["all", summary.stations],
    ["worries", summary.stationsWithIssues],
    ...WORRIES.map((worry): [Filter, number] => [worry, counts.get(worry) ?? 0]),
  ];
  return all
    .filter(([value, count]) => value === filter || value === "all" || count > 0)
    .map(([value, count]) => ({ value, label: w(`filter.${value}`), count }));
}

/** The numbers, as long as they are there; where they cannot be read, the list below says so. */
function Overview({ filter }: { readonly filter: Filter }): JSX.Element | null {
  const [loaded] = usePolled("fleet-summary", () => fleet.getFleetSummary({}, CALL));
  if (loaded.status !== "ready") return null;
  return (
    <>
      <Totals summary={loaded.value} />
      <Choices
        label={w("filter.label")}
        value={filter}
        choices={choicesOf(loaded.value, filter)}
        choose={(chosen) => look({ filter: chosen })}
      />
    </>
  );
}

function useTyped(): readonly [string, (search: string) => void] {
  const [typed, setTyped] = useState(view.peek().search);
  useEffect(() => {
    if (typed === view.peek().search) return;
    const timer = setTimeout(() => look({ search: typed }), TYPED);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped];
}

export function FleetPage(): JSX.Element {
  const [typed, setTyped] = useTyped();
  return (
    <>
      <Head title={w("nav.fleet")} lead={w("fleet.lead")}>
        <Search label={w("fleet.search")} value={typed} set={setTyped} />
      </Head>
      <Overview filter={view.value.filter} />
      <Stations />
    </>
  );
}

function Stations(): JSX.Element {
  const { filter, search, order, tokens } = view.value;
  const asked = { filter: filterOf(search, filter), orderBy: orderBy(order), pageSize: PAGE };
  const pageToken = tokens.at(-1) ?? "";
  const [loaded, again] = usePolled(`fleet ${JSON.stringify([asked, pageToken])}`, () =>
    fleet.listStations({ ...asked, pageToken }, CALL),
  );
  // What was there stays until what was asked for comes, or the pressed button would vanish under the finger.
  const before = useRef<ListStationsResponse>(undefined);
  if (loaded.status === "ready") before.current = loaded.value;
  const found = before.current;
  useEffect(() => {
    if (found) followOnly(found.stations.map((station) => station.location));
  }, [found]);
  if (loaded.status === "failed") return <Broken sentence={loaded.sentence} retry={again} />;
  if (!found) return <Loading />;
  const { stations, totalSize, nextPageToken } = found;
  if (!stations.length) {
    const narrowed = asked.filter !== "";
    return (
      <Nothing
        title={w(narrowed ? "fleet.noneFits" : "fleet.none")}
        lead={w(narrowed ? "fleet.noneFitsLead" : "fleet.noneLead")}
      />
    );
  }
  return (
    <>
      <Table
        label={w("nav.fleet")}
        columns={COLUMNS.map((column) => ({ ...column, title: w(column.title) }))}
        rows={stations}
        first={order}
        ordered={(next) => look({ order: next })}
        id={(station) => station.name}
        tone={(station) => (station.online ? "" : "row-faint")}
      />
      <Pager from={tokens.length * PAGE} shown={stations.length} total={totalSize} next={nextPageToken} />
    </>
  );
}

interface PagerProps {
  readonly from: number;
  readonly shown: number;
  readonly total: number;
  readonly next: string;
}

function Pager({ from, shown, total, next }: PagerProps): JSX.Element | null {
  if (!from && !next) return null;
  const { tokens } = view.peek();
  return (
    <nav class="pager" aria-label={w("list.pages")}>
      <button class="button quiet" type="button" disabled={!from} onClick={() => look({ tokens: tokens.slice(0, -1) })}>
        {w("list.before")}
      </button>
      <span role="status">{w("list.range", { from: from + 1, to: from + shown, total })}</span>
      <button class="button quiet" type="button" disabled={!next} onClick={() => look({ tokens: [...tokens, next] })}>
        {w("list.after")}
      </button>
    </nav>
  );
}
