import type { JSX } from "preact";
import type { ConnectorView } from "../domain/connector";
import { stateKey, typeKey } from "../domain/words";
import { changeSentence, whySentence } from "../domain/why";
import { current, energy, power, text, voltage } from "../format/quantity";
import { money } from "../format/money";
import { clock, duration, milliseconds } from "../format/time";
import { ConnectorState } from "../gen/powerctl/v1/common_pb";
import type { Location } from "../gen/powerctl/v1/location_pb";
import { language, locale, t, type Key } from "../i18n";
import { now, operator } from "../state/app";
import { freshness } from "../state/freshness";
import { ConnectorActions } from "./ConnectorActions";
import { LimitList } from "./LimitList";
import { PlugFace } from "./PlugFace";
import { Ring } from "./Ring";

const HINTS: Partial<Record<ConnectorState, Key>> = {
  [ConnectorState.AVAILABLE]: "hint.available",
  [ConnectorState.OCCUPIED]: "hint.occupied",
  [ConnectorState.STARTING]: "hint.starting",
  [ConnectorState.PAUSED]: "hint.paused",
  [ConnectorState.STOPPING]: "hint.stopping",
  [ConnectorState.FINISHED]: "hint.finished",
  [ConnectorState.FAULTED]: "hint.faulted",
};

interface CardProps {
  readonly view: ConnectorView;
  readonly location: Location;
}

function Stat({ name, value }: { readonly name: Key; readonly value: string }): JSX.Element {
  return (
    <div>
      <dt>{t(name)}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Stats({ view }: { readonly view: ConnectorView }): JSX.Element | null {
  const { live, session } = view;
  if (!live) return null;
  const cost = session?.cost?.currencyCode ? money(locale(), session.cost) : "";
  return (
    <dl class="stats">
      {live.session && <Stat name="connector.energy" value={text(energy(locale(), live.sessionEnergyWh))} />}
      {cost && <Stat name="connector.cost" value={cost} />}
      {view.energised && <Stat name="connector.voltage" value={text(voltage(locale(), live.voltageV))} />}
      {view.energised && <Stat name="connector.current" value={text(current(locale(), live.currentA))} />}
      {operator.value && <Stat name="connector.asks" value={text(power(locale(), live.targetW))} />}
    </dl>
  );
}

/** Measured power under the limit, on the scale of what the connector can give. */
function Gauge({ view }: { readonly view: ConnectorView }): JSX.Element {
  const full = Math.max(1, view.connector.maxPowerW);
  const share = (watts: number): string => `${Math.min(100, (100 * watts) / full)}%`;
  const limit = view.live?.limitW ?? 0;
  return (
    <div class="gauge">
      <div class="gauge-bar" aria-hidden="true">
        <span style={{ width: share(view.live?.powerW ?? 0) }} />
        <i style={{ left: share(limit) }} />
      </div>
      <p>
        <span>{t("connector.limit")}</span>
        <strong>{text(power(locale(), limit))}</strong>
      </p>
    </div>
  );
}

function Why({ view }: { readonly view: ConnectorView }): JSX.Element | null {
  if (!view.live) return null;
  const sentence = whySentence(view.live, language.value, locale(), t);
  return (
    <div class="why">
      {sentence && (
        <>
          <h3 class="eyebrow">{t("connector.why")}</h3>
          <p>{sentence}</p>
          <p class="why-change">{changeSentence(view.live, locale(), t)}</p>
        </>
      )}
      {view.live.reasons.length > 0 && (
        <details>
          <summary>{t("connector.chain")}</summary>
          <LimitList limits={view.live.reasons} codes={operator.value} />
        </details>
      )}
    </div>
  );
}

function Age({ view }: { readonly view: ConnectorView }): JSX.Element | null {
  const measured = view.live?.measureTime;
  if (!measured) return null;
  const ageMs = now.value - milliseconds(measured);
  const state = freshness(view.state, ageMs);
  const words = ageMs < 1500 ? t("connector.now") : t("connector.age", { age: duration(ageMs / 1000) });
  return <span class={`age age-${state}`}>{words}</span>;
}

function stale({ view, location }: CardProps): boolean {
  const measured = view.live?.measureTime;
  if (!location.online) return true;
  return measured !== undefined && freshness(view.state, now.value - milliseconds(measured)) === "stale";
}

/** Whom the connector waits for. */
function Kept({ view }: { readonly view: ConnectorView }): JSX.Element | null {
  const { reserveEndTime, reservedForCaller } = view.connector;
  if (!reserveEndTime) return null;
  const time = clock(locale(), milliseconds(reserveEndTime));
  return <p class="kept">{t(reservedForCaller ? "connector.keptForYou" : "connector.kept", { time })}</p>;
}

/** What a person reads who stands there; somebody else's vehicle is not theirs to unplug. */
function hintOf(view: ConnectorView): Key | undefined {
  const others = view.state === ConnectorState.FINISHED && !view.session;
  return others ? "hint.finishedOther" : HINTS[view.state];
}

function Body({ view, location }: CardProps): JSX.Element {
  const hint = location.online ? hintOf(view) : "hint.offline";
  return (
    <div class="connector-body">
      {view.energised ? <Ring view={view} /> : <PlugFace type={view.connector.type} />}
      {hint && <p class="hint">{t(hint)}</p>}
      <Kept view={view} />
      {view.state === ConnectorState.FAULTED && operator.value && <p class="hint">{view.live?.why}</p>}
      {view.energised && <Gauge view={view} />}
      {view.energised && <Why view={view} />}
      {(view.energised || view.state === ConnectorState.FINISHED) && <Stats view={view} />}
    </div>
  );
}

export function ConnectorCard({ view, location }: CardProps): JSX.Element {
  const title = `connector-${view.side}`;
  const classes = ["connector", "panel", `connector-${view.side}`, stale({ view, location }) ? "is-stale" : ""];
  const word: Key = location.online ? stateKey(view.state) : "state.offline";
  return (
    <article class={classes.join(" ")} aria-labelledby={title}>
      <header>
        <h2 id={title}>
          {t(`connector.${view.side}`)}
          <small>
            {t(typeKey(view.connector.type))}{" "}
            {t("connector.upTo", { power: text(power(locale(), view.connector.maxPowerW)) })}
          </small>
        </h2>
        <div class="connector-state">
          <span class={`chip chip-${location.online ? ConnectorState[view.state].toLowerCase() : "off"}`}>
            {t(word)}
          </span>
          <Age view={view} />
        </div>
      </header>
      {view.live ? <Body view={view} location={location} /> : <p class="hint">{t("connector.noData")}</p>}
      <ConnectorActions view={view} location={location} />
    </article>
  );
}
