import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ConnectorState } from "../gen/powerctl/v1/common_pb";
import { t } from "../i18n";
import { go, link } from "../routes";
import { now, phase } from "../state/app";
import { busy, failures, start } from "../state/commands";
import { options } from "../state/paying";
import { useCall, type Call } from "../state/call";
import { purchaseFor, update, type Purchase } from "../state/tab";
import { pay } from "../state/buying";
import { clock } from "../format/time";
import { money } from "../format/money";
import { locale } from "../i18n";
import { Alert, Empty, Loading } from "../ui/Notice";
import { PaymentChoice } from "../ui/PaymentChoice";
import { PlaceHead, spotOf, type Spot } from "../ui/Place";
import PricePanel from "../ui/PricePanel";

/** From the price to the first kilowatt: pay, plug in, start. A reload comes back to the same step. */
export default function Charge({ connector }: { readonly connector: string }): JSX.Element {
  const spot = spotOf(connector);
  const running = spot?.view.session;
  // Whoever reloads after the start is shown what runs.
  useEffect(() => {
    if (running && spot.view.energised) go(link.session(running.name), true);
  }, [running?.name, spot?.view.energised]);
  if (!spot) return phase.value === "connecting" ? <Loading /> : <Empty title={t("error.notFound")} />;
  return (
    <div class="page page-narrow">
      <PlaceHead spot={spot} title={t("charge.title")} />
      <Steps spot={spot} />
    </div>
  );
}

function Steps({ spot }: { readonly spot: Spot }): JSX.Element {
  const purchase = purchaseFor(spot.view.name, now.peek());
  if (purchase.stage === "paid") return <Paid spot={spot} purchase={purchase} />;
  return (
    <>
      <PricePanel location={spot.location} connector={spot.view.name} />
      <Pay spot={spot} purchase={purchase} />
    </>
  );
}

function usePaying(spot: Spot, purchase: Purchase): Call {
  const call = useCall();
  // Back from the wallet, or reloaded while the provider had not answered: the same wish goes on.
  useEffect(() => {
    if (purchase.stage === "approved" || purchase.stage === "paying") void call.run(() => pay(spot.view.name));
  }, [purchase.stage]);
  return call;
}

function Pay({ spot, purchase }: { readonly spot: Spot; readonly purchase: Purchase }): JSX.Element {
  const call = usePaying(spot, purchase);
  const known = options.value;
  if (!known) return <Loading />;
  const hold = known.hold ? money(locale(), known.hold) : "";
  const begin = (): void => {
    call.clear();
    void call.run(() => pay(spot.view.name));
  };
  return (
    <section class="panel pay" aria-labelledby="pay-title">
      <h2 id="pay-title">{t("pay.title")}</h2>
      <p>{t("pay.hold", { hold })}</p>
      <PaymentChoice options={known} chosen={purchase.method} choose={(method) => update({ method })} />
      <Alert sentence={call.failure} />
      <button class="button primary wide" type="button" disabled={!purchase.method || call.busy} onClick={begin}>
        {call.busy ? (
          <>
            <span class="spinner" aria-hidden="true" /> {t("pay.asking")}
          </>
        ) : (
          t("pay.button", { hold })
        )}
      </button>
    </section>
  );
}

const WAITING: Partial<Record<ConnectorState, "charge.plugIn" | "charge.ready" | "charge.unplugFirst">> = {
  [ConnectorState.AVAILABLE]: "charge.plugIn",
  [ConnectorState.OCCUPIED]: "charge.ready",
  [ConnectorState.FINISHED]: "charge.unplugFirst",
};

function Paid({ spot, purchase }: { readonly spot: Spot; readonly purchase: Purchase }): JSX.Element {
  const { view } = spot;
  const plugged = view.state === ConnectorState.OCCUPIED;
  const waiting = busy.value.has(view.name) || view.action === "starting";
  const words = WAITING[view.state];
  const begin = (): void => void start(view.name, purchase);
  return (
    <section class="panel paid" aria-labelledby="paid-title">
      <h2 id="paid-title">
        <svg class="tick" viewBox="0 0 16 16" aria-hidden="true">
          <path d="M3 8.5l3.2 3.2L13 4.8" />
        </svg>
        {t("charge.paid")}
      </h2>
      <p>{t("charge.token", { time: clock(locale(), purchase.expires) })}</p>
      {words && (
        <p class="paid-now" role="status">
          {t(words, { side: t(`connector.${view.side}`).toLowerCase() })}
        </p>
      )}
      <Alert sentence={failures.value.get(view.name) ?? view.session?.detail ?? ""} />
      <button class="button primary wide big" type="button" disabled={!plugged || waiting} onClick={begin}>
        {waiting && <span class="spinner" aria-hidden="true" />}
        {t(waiting ? "connector.starting" : "connector.start")}
      </button>
    </section>
  );
}
