import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { ConnectorView } from "../domain/connector";
import { price } from "../format/money";
import type { Location } from "../gen/powerctl/v1/location_pb";
import { locale, t } from "../i18n";
import { link } from "../routes";
import { operator } from "../state/app";
import { ConnectorState } from "../gen/powerctl/v1/common_pb";
import { mustPay } from "../state/paying";
import { busy, dismiss, failures, start, stop } from "../state/commands";
import { askToStop, ConfirmStop } from "./ConfirmStop";

interface ActionProps {
  readonly view: ConnectorView;
  readonly location: Location;
}

interface OwnProps extends ActionProps {
  /** True on the session's own page, which needs no way to itself. */
  readonly own?: boolean;
}

function Pay({ view, location }: ActionProps): JSX.Element {
  return (
    <>
      <Price location={location} />
      <a class="button primary wide" href={link.charge(view.name)}>
        {t("connector.pay")}
      </a>
    </>
  );
}

/** Nobody is plugged in: pay ahead, or have the connector kept. */
function Free({ view, location }: ActionProps): JSX.Element | null {
  if (!location.online || operator.value || !mustPay.value) return null;
  if (view.connector.reserveEndTime && !view.connector.reservedForCaller) return null;
  return (
    <div class="pair">
      <a class="button primary" href={link.charge(view.name)}>
        {t("connector.charge")}
      </a>
      <a class="button" href={link.reserve(view.name)}>
        {t("connector.reserve")}
      </a>
    </div>
  );
}

function Price({ location }: { readonly location: Location }): JSX.Element | null {
  const { tariff } = location;
  if (!tariff?.energyPricePerKwh) return null;
  return (
    <p class="price">
      <strong>{t("connector.price", { price: price(locale(), tariff.energyPricePerKwh) })}</strong>
      {tariff.taxIncluded && ` ${t("connector.taxIncluded")}`}
      {tariff.description && <span>{tariff.description}</span>}
    </p>
  );
}

function Waiting({ words }: { readonly words: string }): JSX.Element {
  return (
    <button class="button wide" type="button" disabled>
      <span class="spinner" aria-hidden="true" />
      {words}
    </button>
  );
}

function Start({ view, location }: ActionProps): JSX.Element {
  return (
    <>
      <Price location={location} />
      <button
        class="button primary wide"
        type="button"
        disabled={!location.online}
        onClick={() => void start(view.name)}
      >
        {t("connector.start")}
      </button>
    </>
  );
}

function Stop({ view }: { readonly view: ConnectorView }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const send = (): void => void stop(view.name, view.session?.name ?? "");
  // An operator ends somebody else's charging; a driver sees what they stop.
  const ask = (): void => (operator.value ? askToStop(dialog.current) : send());
  return (
    <>
      <button class="button stop wide" type="button" onClick={ask}>
        {t("connector.stop")}
      </button>
      <ConfirmStop dialog={dialog} side={view.side} confirm={send} />
    </>
  );
}

function Main({ view, location }: ActionProps): JSX.Element | null {
  const calling = busy.value.has(view.name);
  if (view.action === "starting" || (calling && view.action === "start")) {
    return <Waiting words={t("connector.starting")} />;
  }
  if (view.action === "stopping" || (calling && view.action === "stop")) {
    return <Waiting words={t("connector.stopping")} />;
  }
  if (view.action === "start") {
    return mustPay.value ? <Pay view={view} location={location} /> : <Start view={view} location={location} />;
  }
  if (view.state === ConnectorState.AVAILABLE) return <Free view={view} location={location} />;
  if (view.action === "stop") return <Stop view={view} />;
  return view.energised ? <p class="hint">{t("connector.other")}</p> : null;
}

function Failure({ view }: { readonly view: ConnectorView }): JSX.Element | null {
  const failed = failures.value.get(view.name);
  const sentence = failed ?? view.session?.detail;
  if (!sentence) return null;
  return (
    <div class="failure" role="alert">
      <p>{sentence}</p>
      {failed && (
        <button type="button" class="close" aria-label="OK" onClick={() => dismiss(view.name)}>
          ×
        </button>
      )}
    </div>
  );
}

export function ConnectorActions({ view, location, own }: OwnProps): JSX.Element {
  const receipt = view.session?.receipt;
  return (
    <footer class="actions">
      <Failure view={view} />
      <Main view={view} location={location} />
      {view.session && view.energised && !operator.value && !own && (
        <a class="button quiet wide" href={link.session(view.session.name)}>
          {t("connector.session")}
        </a>
      )}
      {receipt && (
        <a class="button wide" href={link.receipt(receipt)}>
          {t("connector.receipt")}
        </a>
      )}
    </footer>
  );
}
