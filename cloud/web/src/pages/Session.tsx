import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ConnectorView } from "../domain/connector";
import { timeLeft } from "../domain/remaining";
import { changeSentence, whySentence } from "../domain/why";
import { sessionStateKey } from "../domain/words";
import { money } from "../format/money";
import { current, energy, power, text, voltage } from "../format/quantity";
import { clock, duration, milliseconds, span } from "../format/time";
import { CALL, sessions } from "../api/clients";
import { SessionState, type Session } from "../gen/powerctl/v1/session_pb";
import { language, locale, t, type Key } from "../i18n";
import { link } from "../routes";
import { live, now, operator, phase } from "../state/app";
import { freshness } from "../state/freshness";
import { mergeSession } from "../state/live";
import { ConnectorActions } from "../ui/ConnectorActions";
import { LimitList } from "../ui/LimitList";
import { Empty, Loading } from "../ui/Notice";
import { PlaceHead, spotOf, type Spot } from "../ui/Place";
import { Ring } from "../ui/Ring";
import { Spark } from "../ui/Spark";

/** The stream names sessions that are running; an older one is asked for. */
function useSession(name: string): Session | undefined {
  const known = live.value.sessions.get(name);
  useEffect(() => {
    if (known) return;
    sessions.getSession({ name }, CALL).then(
      (session) => (live.value = { ...live.value, sessions: mergeSession(live.value.sessions, session) }),
      () => undefined,
    );
  }, [name, !known]);
  return known;
}

export function SessionPage({ name }: { readonly name: string }): JSX.Element {
  const session = useSession(name);
  if (!session) return phase.value === "live" ? <Empty title={t("error.notFound")} /> : <Loading />;
  const spot = spotOf(session.connector);
  if (!spot) return <Loading />;
  const runs = spot.view.session?.name === name && spot.view.energised;
  return (
    <div class="page page-narrow">
      <PlaceHead spot={spot} title={t(runs ? "live.title" : "live.over")} />
      {runs ? <Running spot={spot} session={session} /> : <Over spot={spot} session={session} />}
    </div>
  );
}

function Figure({
  name,
  value,
  note,
}: {
  readonly name: Key;
  readonly value: string;
  readonly note?: string;
}): JSX.Element {
  return (
    <div>
      <dt>{t(name)}</dt>
      <dd>
        {value}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}

function ageOf(view: ConnectorView): number | undefined {
  const measured = view.live?.measureTime;
  return measured && Math.max(0, now.value - milliseconds(measured));
}

function Left({ view }: { readonly view: ConnectorView }): JSX.Element {
  const range = view.live && timeLeft(view.live, ageOf(view) ?? 0);
  if (!range) return <Figure name="live.left" value="–" note={t("live.leftUnknown")} />;
  const until = clock(locale(), now.value + range.high * 1000);
  return <Figure name="live.left" value={span(range.low, range.high)} note={t("live.leftUntil", { time: until })} />;
}

function Age({ view }: { readonly view: ConnectorView }): JSX.Element | null {
  const age = ageOf(view);
  if (age === undefined) return null;
  const state = freshness(view.state, age);
  const words = age < 1500 ? t("live.now") : t("live.age", { age: duration(age / 1000) });
  return <p class={`live-age age age-${state}`}>{words}</p>;
}

function Figures({ spot, session }: RunningProps): JSX.Element {
  const { view } = spot;
  const { voltageV = 0, currentA = 0, sessionEnergyWh = 0 } = view.live ?? {};
  const began = session.startTime && (now.value - milliseconds(session.startTime)) / 1000;
  return (
    <dl class="figures">
      <Figure name="connector.energy" value={text(energy(locale(), sessionEnergyWh))} />
      <Figure
        name="live.cost"
        value={session.cost?.currencyCode ? money(locale(), session.cost) : "–"}
        note={t("live.costNote")}
      />
      <Left view={view} />
      <Figure
        name="live.since"
        value={began === undefined ? "–" : duration(began)}
        note={`${text(voltage(locale(), voltageV))} · ${text(current(locale(), currentA))}`}
      />
    </dl>
  );
}

function Why({ view }: { readonly view: ConnectorView }): JSX.Element | null {
  if (!view.live) return null;
  const sentence = whySentence(view.live, language.value, locale(), t);
  const change = changeSentence(view.live, locale(), t);
  return (
    <section class="why live-why" aria-labelledby="why-title">
      <h2 id="why-title" class="eyebrow">
        {t("connector.why")}
      </h2>
      {sentence && <p>{sentence}</p>}
      {change && <p class="why-change">{change}</p>}
      {view.live.reasons.length > 0 && (
        <details>
          <summary>{t("connector.chain")}</summary>
          <LimitList limits={view.live.reasons} codes={operator.value} />
        </details>
      )}
    </section>
  );
}

interface RunningProps {
  readonly spot: Spot;
  readonly session: Session;
}

function Running({ spot, session }: RunningProps): JSX.Element {
  const { view, location } = spot;
  const age = ageOf(view);
  const stale = !location.online || (age !== undefined && freshness(view.state, age) === "stale");
  return (
    <article class={`live panel side-${view.side}${stale ? " is-stale" : ""}`} aria-label={t("live.title")}>
      <Ring view={view} />
      <Age view={view} />
      <p class="live-limit">{t("live.limit", { power: text(power(locale(), view.live?.limitW ?? 0)) })}</p>
      <Spark location={location} side={view.side} full={view.connector.maxPowerW} />
      <Why view={view} />
      <Figures spot={spot} session={session} />
      <ConnectorActions view={view} location={location} own />
    </article>
  );
}

/** Paid, but the station could not start: the hold is let go, and paying again is a new wish. */
function Failed({ session }: { readonly session: Session }): JSX.Element {
  return (
    <>
      <p>{t("live.notStarted")}</p>
      <a class="button primary wide" href={link.charge(session.connector)}>
        {t("live.again")}
      </a>
    </>
  );
}

function Over({ spot, session }: RunningProps): JSX.Element {
  const { state, receipt } = session;
  const waits = state === SessionState.PENDING || state === SessionState.ACTIVE || state === SessionState.STOPPING;
  return (
    <article class="panel over" aria-label={t("live.over")}>
      <h2 aria-live="polite">{t(sessionStateKey(state))}</h2>
      {session.detail && <p>{session.detail}</p>}
      {waits && <Loading />}
      {state === SessionState.OPEN && <Failed session={session} />}
      {session.endTime && (
        <dl class="figures">
          <Figure name="connector.energy" value={text(energy(locale(), session.energyWh))} />
          <Figure name="sessions.cost" value={session.cost?.currencyCode ? money(locale(), session.cost) : "–"} />
        </dl>
      )}
      {state === SessionState.COMPLETED && <p>{t("hint.finished")}</p>}
      <div class="form-buttons">
        {receipt && (
          <a class="button primary" href={link.receipt(receipt)}>
            {t("connector.receipt")}
          </a>
        )}
        <a class="button" href={link.station(spot.location.name)}>
          {t("live.toStation")}
        </a>
      </div>
    </article>
  );
}
