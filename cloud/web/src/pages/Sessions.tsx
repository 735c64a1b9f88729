import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL, sessions as client } from "../api/clients";
import { connectorViews } from "../domain/connector";
import { locationOf } from "../domain/names";
import { sessionStateKey } from "../domain/words";
import { money } from "../format/money";
import { energy, text } from "../format/quantity";
import { milliseconds, moment } from "../format/time";
import { SessionState, type ListSessionsResponse, type Session } from "../gen/powerctl/v1/session_pb";
import { locale, t } from "../i18n";
import { link } from "../routes";
import { live, now } from "../state/app";
import { mergeSession, newestFirst } from "../state/live";
import { useLoaded } from "../state/loaded";
import { Empty, Failed, Loading } from "../ui/Notice";

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

export function SessionsPage(): JSX.Element {
  const [pages, setPages] = useState(1);
  const [loaded, retry] = useLoaded(`sessions ${pages}`, () => fetchPages(pages));
  if (loaded.status === "failed") return <Failed sentence={loaded.sentence} retry={retry} />;
  if (loaded.status === "loading") return <Loading />;
  const fetched = loaded.value.flatMap((answer) => answer.sessions);
  const merged = [...live.value.sessions.values()].reduce(
    mergeSession,
    new Map(fetched.map((session) => [session.name, session])) as ReadonlyMap<string, Session>,
  );
  if (!merged.size) return <Empty title={t("sessions.empty")} lead={t("sessions.emptyLead")} />;
  return (
    <section class="page">
      <h1>{t("sessions.title")}</h1>
      <Table sessions={newestFirst(merged.values())} />
      {loaded.value.at(-1)?.nextPageToken && (
        <button class="button" type="button" onClick={() => setPages(pages + 1)}>
          {t("sessions.more")}
        </button>
      )}
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

/** "Station, left", as far as the stream has told. */
function where(session: Session): string {
  const location = live.value.locations.get(locationOf(session.connector));
  if (!location) return session.connector;
  const view = connectorViews(location, new Map()).find((one) => one.name === session.connector);
  return [location.displayName, view && t(`connector.${view.side}`).toLowerCase()].filter(Boolean).join(", ");
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
      <td data-label={t("sessions.where")}>{where(session)}</td>
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
      <td>{session.receipt && <a href={link.receipt(session.receipt)}>{t("sessions.receipt")}</a>}</td>
    </tr>
  );
}
