import type { JSX } from "preact";
import { CALL, sessions } from "../../api/clients";
import { locationOf } from "../../domain/names";
import { sessionStateKey, stopReasonKey } from "../../domain/words";
import { money } from "../../format/money";
import { energy, text } from "../../format/quantity";
import { duration, milliseconds } from "../../format/time";
import { StopReason } from "../../gen/powerctl/v1/common_pb";
import { SessionState, type Session } from "../../gen/powerctl/v1/session_pb";
import { locale, t } from "../../i18n";
import { now } from "../../state/app";
import { Loading } from "../../ui/Notice";
import { fleet } from "../api";
import { w } from "../i18n";
import { idOf, to } from "../routes";
import { everything } from "../state/paged";
import { usePolled } from "../state/polled";
import { Events } from "../ui/Events";
import { Badge, Broken, Head, Moment, Nothing } from "../ui/parts";

function lasted(session: Session): string {
  const begin = session.startTime ?? session.plugInTime;
  if (!begin) return "–";
  const end = session.endTime ? milliseconds(session.endTime) : now.value;
  return duration((end - milliseconds(begin)) / 1000);
}

function Facts({ session }: { readonly session: Session }): JSX.Element {
  const station = idOf(locationOf(session.connector));
  const facts: readonly (readonly [string, JSX.Element | string])[] = [
    [
      w("session.state"),
      <Badge tone={session.state === SessionState.NEEDS_REVIEW ? "bad" : "plain"}>
        {t(sessionStateKey(session.state))}
      </Badge>,
    ],
    [w("session.station"), <a href={to.station(station)}>{station}</a>],
    [w("session.plugged"), <Moment time={session.plugInTime} />],
    [w("session.began"), <Moment time={session.startTime} />],
    [w("session.ended"), <Moment time={session.endTime} />],
    [w("session.lasted"), lasted(session)],
    [w("session.energy"), text(energy(locale(), session.energyWh))],
    [w("session.cost"), session.cost?.currencyCode ? money(locale(), session.cost) : "–"],
    [w("session.stop"), session.stopReason === StopReason.UNSPECIFIED ? "–" : t(stopReasonKey(session.stopReason))],
  ];
  return (
    <dl class="facts-grid">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** One session from the plug to the receipt, with every record that the station has sent about it. */
export function TimelinePage({ id }: { readonly id: string }): JSX.Element {
  const name = `sessions/${id}`;
  const [loaded, again] = usePolled(name, () => sessions.getSession({ name }, CALL));
  const [events, eventsAgain] = usePolled(`events ${name}`, () =>
    everything(async (pageToken) => {
      const wanted = { parent: "stations/-", session: name, pageSize: 100, pageToken };
      const answer = await fleet.listStationEvents(wanted, CALL);
      return { items: answer.events, next: answer.nextPageToken };
    }, 5),
  );
  if (loaded.status === "failed") return <Broken sentence={loaded.sentence} retry={again} />;
  if (loaded.status === "loading") return <Loading />;
  const session = loaded.value;
  return (
    <>
      <p class="crumbs">
        <a href={to.section("sessions")}>{w("nav.sessions")}</a> / {id}
      </p>
      <Head title={w("session.title")} lead={id}>
        {session.receipt && (
          <a class="button quiet" href={`#/${session.receipt}`}>
            {w("session.receipt")}
          </a>
        )}
      </Head>
      <Facts session={session} />
      {session.detail && <p class="banner banner-warn banner-inset">{session.detail}</p>}
      <section class="panel" aria-labelledby="timeline">
        <h2 id="timeline">{w("session.timeline")}</h2>
        {events.status === "loading" && <Loading />}
        {events.status === "failed" && <Broken sentence={events.sentence} retry={eventsAgain} />}
        {events.status === "ready" && !events.value.length && <Nothing title={w("event.none")} />}
        {events.status === "ready" && <Events events={[...events.value].reverse()} />}
      </section>
    </>
  );
}
