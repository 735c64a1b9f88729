import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL, sessions as client } from "../api/clients";
import { reservations } from "../api/driving";
import { sessionStateKey } from "../domain/words";
import { money } from "../format/money";
import { energy, power, text } from "../format/quantity";
import { clock, milliseconds, moment } from "../format/time";
import { ReservationState } from "../gen/powerctl/v1/reservation_pb";
import { SessionState, type ListSessionsResponse, type Session } from "../gen/powerctl/v1/session_pb";
import { locale, t } from "../i18n";
import { link } from "../routes";
import { live, now, operator } from "../state/app";
import { mergeSession, newestFirst } from "../state/live";
import { useLoaded } from "../state/loaded";
import { Empty, Failed, Loading } from "../ui/Notice";
import { placeWords } from "../ui/Place";

const PAGE_SIZE = 25;

/** All pages so far; the first call that fails fails the list. */
async function fetchPages(pages: number): Promise<ListSessionsResponse[]> {
  const answers: ListSessionsResponse[] = [];
  let pageToken = "";
  do {
    const answer = await client.listSessions({ pageSize: PAGE_SIZE, pageToken }, CALL);
    answers.push(answer);
    pageToken = answer.nextPageToken;
  } while (pageToken && answers.length < pages);
  return answers;
}

export default function SessionsPage(): JSX.Element {
  const [pages, setPages] = useState(1);
  const [loaded, retry] = useLoaded(`sessions ${pages}`, () => fetchPages(pages));
  if (loaded.status === "failed") return <Failed sentence={loaded.sentence} retry={retry} />;
  if (loaded.status === "loading") return <Loading />;
  const fetched = loaded.value.flatMap((answer) => answer.sessions);
  const merged = [...live.value.sessions.values()].reduce(
    mergeSession,
    new Map(fetched.map((session) => [session.name, session])) as ReadonlyMap<string, Session>,
  );
  if (!merged.size) {
    return (
      <section class="page">
        <Upcoming />
        <Empty title={t("sessions.empty")} lead={t("sessions.emptyLead")}>
          <a class="button primary" href={link.stations}>
            {t("sessions.find")}
          </a>
        </Empty>
      </section>
    );
  }
  const all = newestFirst(merged.values());
  const shown = operator.value ? all : all.filter((session) => session.state !== SessionState.ACTIVE);
  return (
    <section class="page">
      <h1>{t(operator.value ? "sessions.title" : "sessions.own")}</h1>
      <Running sessions={all.filter((session) => session.state === SessionState.ACTIVE)} />
      <Upcoming />
      {shown.length > 0 && <Table sessions={shown} />}
      {loaded.value.at(-1)?.nextPageToken && (
        <button class="button" type="button" onClick={() => setPages(pages + 1)}>
          {t("sessions.more")}
        </button>
      )}
    </section>
  );
}

/** What runs now, first: that is what somebody comes for. */
function Running({ sessions }: { readonly sessions: readonly Session[] }): JSX.Element | null {
  if (!sessions.length || operator.value) return null;
  return (
    <ul class="cards">
      {sessions.map((session) => (
        <li key={session.name}>
          <a class="panel trip trip-now" href={link.session(session.name)}>
            <span class="chip chip-charging">{t(sessionStateKey(session.state))}</span>
            <strong>{where(session)}</strong>
            <span>
              {text(energy(locale(), session.energyWh))} · {session.cost?.currencyCode && money(locale(), session.cost)}
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function Upcoming(): JSX.Element | null {
  const [loaded] = useLoaded("reservations", () => reservations.listReservations({ pageSize: 20 }, CALL));
  if (loaded.status !== "ready" || operator.value) return null;
  const open = loaded.value.reservations.filter((one) => one.state === ReservationState.RESERVED);
  if (!open.length) return null;
  return (
    <section aria-labelledby="upcoming-title">
      <h2 id="upcoming-title">{t("reservation.upcoming")}</h2>
      <ul class="cards">
        {open.map((one) => (
          <li key={one.name}>
            <a class="panel trip" href={link.reservation(one.name)}>
              <span class="chip">{t(one.confirmed ? "reservation.confirmed" : "reservation.waiting")}</span>
              <strong>{placeWords(one.connector)}</strong>
              <span>
                {one.startTime && moment(locale(), milliseconds(one.startTime), now.value)} –{" "}
                {one.endTime && clock(locale(), milliseconds(one.endTime))} · {text(power(locale(), one.powerW))}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Table({ sessions }: { readonly sessions: readonly Session[] }): JSX.Element {
  return (
    <div class="panel table-panel">
      <table class="sessions">
        <thead>
          <tr>
            <th scope="col">{t("sessions.begin")}</th>
            <th scope="col">{t("sessions.where")}</th>
            <th scope="col">{t("sessions.state")}</th>
            <th scope="col" class="number">
              {t("sessions.energy")}
            </th>
            <th scope="col" class="number">
              {t("sessions.cost")}
            </th>
            <th scope="col">
              <span class="sr-only">{t("sessions.receipt")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <Row key={session.name} session={session} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function where(session: Session): string {
  return placeWords(session.connector);
}

function receiptWords(session: Session): string {
  return session.receiptNumber ? t("receipt.number", { id: String(session.receiptNumber) }) : t("sessions.receipt");
}

const CHIPS: Partial<Record<SessionState, string>> = {
  [SessionState.ACTIVE]: "chip-charging",
  [SessionState.PENDING]: "chip-starting",
  [SessionState.NEEDS_REVIEW]: "chip-faulted",
};

function Row({ session }: { readonly session: Session }): JSX.Element {
  const begin = session.startTime ?? session.plugInTime;
  return (
    <tr>
      <td data-label={t("sessions.begin")}>{begin ? moment(locale(), milliseconds(begin), now.value) : "–"}</td>
      <td data-label={t("sessions.where")}>
        <a href={link.session(session.name)}>{where(session)}</a>
      </td>
      <td data-label={t("sessions.state")}>
        <span class={`chip ${CHIPS[session.state] ?? ""}`}>{t(sessionStateKey(session.state))}</span>
        {session.detail && <small>{session.detail}</small>}
      </td>
      <td data-label={t("sessions.energy")} class="number">
        {text(energy(locale(), session.energyWh))}
      </td>
      <td data-label={t("sessions.cost")} class="number">
        {session.cost?.currencyCode ? money(locale(), session.cost) : "–"}
      </td>
      <td>{session.receipt && <a href={link.receipt(session.receipt)}>{receiptWords(session)}</a>}</td>
    </tr>
  );
}
