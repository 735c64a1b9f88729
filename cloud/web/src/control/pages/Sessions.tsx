import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL, sessions } from "../../api/clients";
import { locationOf } from "../../domain/names";
import { sessionStateKey } from "../../domain/words";
import { money } from "../../format/money";
import { energy, text } from "../../format/quantity";
import { milliseconds } from "../../format/time";
import { SessionState, type Session } from "../../gen/powerctl/v1/session_pb";
import { locale, t } from "../../i18n";
import { Loading } from "../../ui/Notice";
import { w } from "../i18n";
import { idOf, to } from "../routes";
import { usePaged } from "../state/paged";
import { Badge, Choices, Head, Moment, More, Nothing, Search, type Tone } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

type Filter = "all" | "running" | "review";
const RUNNING: ReadonlySet<SessionState> = new Set([
  SessionState.OPEN,
  SessionState.PENDING,
  SessionState.ACTIVE,
  SessionState.STOPPING,
]);
const FITS: Record<Filter, (session: Session) => boolean> = {
  all: () => true,
  running: (session) => RUNNING.has(session.state),
  review: (session) => session.state === SessionState.NEEDS_REVIEW,
};

function tone(session: Session): Tone {
  if (session.state === SessionState.NEEDS_REVIEW) return "bad";
  return RUNNING.has(session.state) ? "good" : "plain";
}

function columns(): readonly Column<Session>[] {
  return [
    {
      key: "time",
      title: w("session.began"),
      by: (session) => (session.startTime ? milliseconds(session.startTime) : 0),
      cell: (session) => (
        <a class="row-link" href={to.session(session.name)}>
          <Moment time={session.startTime ?? session.plugInTime} />
          <small>{idOf(session.name).slice(0, 8)}</small>
        </a>
      ),
    },
    {
      key: "station",
      title: w("session.station"),
      by: (session) => session.connector,
      cell: (session) => (
        <a href={to.station(idOf(locationOf(session.connector)))}>
          {idOf(locationOf(session.connector))} · {idOf(session.connector)}
        </a>
      ),
    },
    {
      key: "state",
      title: w("session.state"),
      by: (session) => session.state,
      cell: (session) => <Badge tone={tone(session)}>{t(sessionStateKey(session.state))}</Badge>,
    },
    {
      key: "energy",
      title: w("session.energy"),
      number: true,
      by: (session) => Number(session.energyWh),
      cell: (session) => text(energy(locale(), session.energyWh)),
    },
    {
      key: "cost",
      title: w("session.cost"),
      number: true,
      cell: (session) => (session.cost?.currencyCode ? money(locale(), session.cost) : "–"),
    },
    { key: "end", title: w("session.ended"), cell: (session) => <Moment time={session.endTime} /> },
  ];
}

export function SessionsPage(): JSX.Element {
  const [filter, setFilter] = useState<Filter>("all");
  const [search, setSearch] = useState("");
  const list = usePaged("sessions", async (pageToken) => {
    const answer = await sessions.listSessions({ pageSize: 100, pageToken }, CALL);
    return { items: answer.sessions, next: answer.nextPageToken };
  });
  const wanted = search.trim().toLowerCase();
  const named = (session: Session): boolean => `${session.name} ${session.connector}`.toLowerCase().includes(wanted);
  const shown = list.items?.filter((session) => FITS[filter](session) && named(session));
  return (
    <>
      <Head title={w("nav.sessions")} lead={w("sessions.lead")}>
        <Search label={w("sessions.search")} value={search} set={setSearch} />
      </Head>
      <Choices
        label={w("filter.label")}
        value={filter}
        choices={(Object.keys(FITS) as Filter[]).map((value) => ({ value, label: w(`sessions.${value}`) }))}
        choose={setFilter}
      />
      {!shown && !list.failure && <Loading />}
      {shown?.length === 0 && <Nothing title={w("sessions.none")} />}
      {shown && shown.length > 0 && (
        <Table label={w("nav.sessions")} columns={columns()} rows={shown} id={(session) => session.name} />
      )}
      <More {...list} />
    </>
  );
}
