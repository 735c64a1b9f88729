import type { JSX } from "preact";
import type { ConnectorView } from "../../domain/connector";
import { lastSegment } from "../../domain/names";
import { whySentence } from "../../domain/why";
import { stateKey, typeKey } from "../../domain/words";
import { CALL } from "../../api/clients";
import { uuid } from "../../api/uuid";
import { current, energy, percent, power, text, voltage } from "../../format/quantity";
import { ConnectorState } from "../../gen/powerctl/v1/common_pb";
import type { RemoteCommand } from "../../gen/powerctl/v1/fleet_pb";
import { Role } from "../../gen/powerctl/v1/identity_pb";
import { language, locale, t } from "../../i18n";
import { LimitList } from "../../ui/LimitList";
import { fleet } from "../api";
import { w } from "../i18n";
import { role, to } from "../routes";
import { ask } from "../state/deeds";
import { Badge, type Tone } from "./parts";

const TONES: Partial<Record<ConnectorState, Tone>> = {
  [ConnectorState.CHARGING]: "good",
  [ConnectorState.STARTING]: "info",
  [ConnectorState.STOPPING]: "info",
  [ConnectorState.PAUSED]: "warn",
  [ConnectorState.FAULTED]: "bad",
};

interface ConnectorProps {
  readonly view: ConnectorView;
  /** Its number at the station. */
  readonly number: number;
  /** "stations/{station}" */
  readonly station: string;
  sent(): void;
}

function Bar({ view }: { readonly view: ConnectorView }): JSX.Element {
  const full = Math.max(1, view.connector.maxPowerW);
  const share = (watts: number): number => Math.min(100, (100 * watts) / full);
  const [drawn, limit] = [share(view.live?.powerW ?? 0), share(view.live?.limitW ?? 0)];
  return (
    <svg class={`bar bar-${view.side}`} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bar-well" width="100" height="6" />
      <rect class="bar-limit" width={limit} height="6" />
      <rect class="bar-power" width={drawn} height="6" />
    </svg>
  );
}

function Figures({ view }: { readonly view: ConnectorView }): JSX.Element | null {
  const { live } = view;
  if (!live) return null;
  const of = locale();
  const figures: readonly (readonly [string, string])[] = [
    [t("connector.limit"), text(power(of, live.limitW))],
    [t("connector.asks"), text(power(of, live.targetW))],
    [t("connector.voltage"), text(voltage(of, live.voltageV))],
    [t("connector.current"), text(current(of, live.currentA))],
    [w("connector.soc"), live.socPercent === undefined ? "–" : text(percent(of, live.socPercent))],
    [t("connector.energy"), text(energy(of, live.sessionEnergyWh))],
  ];
  return (
    <dl class="values">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Action = RemoteCommand["action"];

function order(props: ConnectorProps, verb: "stop" | "unlock" | "reset", action: Action): void {
  const side = t(`connector.${props.view.side}`).toLowerCase();
  // The same id for every try, so that a lost answer cannot do it twice.
  const requestId = uuid();
  ask({
    title: w(`do.${verb}`, { side }),
    body: w(`do.${verb}Body`),
    label: w(`do.${verb}Label`),
    danger: true,
    method: "CreateRemoteCommand",
    act: async () => {
      await fleet.createRemoteCommand({ parent: props.station, requestId, remoteCommand: { action } }, CALL);
      props.sent();
    },
  });
}

function Actions(props: ConnectorProps): JSX.Element | null {
  const { view, number } = props;
  if (role() !== Role.OPERATOR) return null;
  const session = lastSegment(view.live?.session ?? "");
  const stop = { case: "stopCharging", value: { session, connector: number } } as Action;
  const unlock = { case: "unlockConnector", value: { connector: number } } as Action;
  const reset = { case: "resetConnector", value: { connector: number } } as Action;
  return (
    <div class="connector-actions">
      <button
        class="button quiet stop"
        type="button"
        disabled={!session || !view.energised}
        onClick={() => order(props, "stop", stop)}
      >
        {w("do.stopLabel")}
      </button>
      <button
        class="button quiet"
        type="button"
        disabled={view.energised}
        onClick={() => order(props, "unlock", unlock)}
      >
        {w("do.unlockLabel")}
      </button>
      <button class="button quiet" type="button" onClick={() => order(props, "reset", reset)}>
        {w("do.resetLabel")}
      </button>
    </div>
  );
}

export function ConnectorPanel(props: ConnectorProps): JSX.Element {
  const { view } = props;
  const live = view.live;
  const why = live && whySentence(live, language.value, locale(), t);
  return (
    <article class={`panel connector-panel panel-${view.side}`} aria-label={t(`connector.${view.side}`)}>
      <div class="panel-head">
        <h2>
          {t(`connector.${view.side}`)} <small>{t(typeKey(view.connector.type))}</small>
        </h2>
        <Badge tone={TONES[view.state] ?? "plain"}>{t(stateKey(view.state))}</Badge>
      </div>
      <p class="connector-power">
        {live ? text(power(locale(), live.powerW)) : "–"}
        <small>{w("connector.of", { max: text(power(locale(), view.connector.maxPowerW)) })}</small>
      </p>
      <Bar view={view} />
      {why && <p class="connector-why">{why}</p>}
      <Figures view={view} />
      {live && live.reasons.length > 0 && (
        <details>
          <summary>{w("connector.chain")}</summary>
          <LimitList limits={live.reasons} codes />
        </details>
      )}
      {live?.session && (
        <p class="small">
          <a href={to.session(live.session)}>{w("connector.session")}</a>
        </p>
      )}
      <Actions {...props} />
    </article>
  );
}
