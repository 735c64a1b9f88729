import type { JSX } from "preact";
import { clockSeconds, dateTime, milliseconds } from "../../format/time";
import type { StationEvent } from "../../gen/powerctl/v1/fleet_pb";
import { locale } from "../../i18n";
import { w } from "../i18n";
import { said } from "../i18n/said";
import { to } from "../routes";

/** A late record tells of a link that was down. */
const LATE_MS = 10_000;
type Kind = "session" | "grid" | "fault" | "order" | "station";

const KINDS: Readonly<Record<string, Kind>> = {
  SessionOpened: "session",
  TransactionStarted: "session",
  TransactionEnded: "session",
  SessionClosed: "session",
  GridEvent: "grid",
  FaultRaised: "fault",
  FaultCleared: "station",
  SecurityEvent: "fault",
  CommandResult: "order",
};

export function sentenceOf({ phrase, summary }: StationEvent): string {
  return (phrase && said(phrase.code, phrase.values)) ?? summary;
}

function lateness(event: StationEvent): number {
  if (!event.eventTime || !event.receiveTime) return 0;
  return milliseconds(event.receiveTime) - milliseconds(event.eventTime);
}

function Line({ event, linked }: { readonly event: StationEvent; readonly linked: boolean }): JSX.Element {
  const at = event.eventTime ? milliseconds(event.eventTime) : 0;
  const late = lateness(event);
  return (
    <li class={`event event-${KINDS[event.kind] ?? "station"}`}>
      <time dateTime={new Date(at).toISOString()} title={dateTime(locale(), at)}>
        {clockSeconds(locale(), at)}
      </time>
      <div>
        <p>{sentenceOf(event)}</p>
        <p class="small">
          <code>{event.kind}</code>
          {event.connector > 0 && <span>{w("alarm.connector", { number: event.connector })}</span>}
          {late > LATE_MS && <span class="late">{w("event.late", { seconds: Math.round(late / 1000) })}</span>}
          {linked && event.session && <a href={to.session(event.session)}>{w("connector.session")}</a>}
        </p>
      </div>
    </li>
  );
}

interface EventsProps {
  readonly events: readonly StationEvent[];
  /** Link each to its session. */
  readonly linked?: boolean;
}

/** What happened, as it is given, day by day. */
export function Events({ events, linked = false }: EventsProps): JSX.Element {
  const days = new Map<string, StationEvent[]>();
  for (const event of events) {
    const at = event.eventTime ? milliseconds(event.eventTime) : 0;
    const day = new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long" }).format(at);
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  return (
    <div class="events">
      {[...days].map(([day, found]) => (
        <section key={day} aria-label={day}>
          <h3 class="eyebrow">{day}</h3>
          <ol class="plain">
            {found.map((event) => (
              <Line key={event.name} event={event} linked={linked} />
            ))}
          </ol>
        </section>
      ))}
    </div>
  );
}
