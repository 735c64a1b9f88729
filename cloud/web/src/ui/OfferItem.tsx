import { numbers } from "../format/intl";
import type { JSX } from "preact";
import { connectorViews } from "../domain/connector";
import { isFree, type Offer } from "../domain/find";
import { availabilityKey } from "../domain/offerWords";
import { stateKey, typeKey } from "../domain/words";
import { price } from "../format/money";
import { duration, milliseconds } from "../format/time";
import { power, text } from "../format/quantity";
import { ConnectorState } from "../gen/powerctl/v1/common_pb";
import { locale, t } from "../i18n";
import { link } from "../routes";
import { live, now } from "../state/app";

/** Younger than this is now. */
const FRESH_MS = 90_000;

function Age({ one }: { readonly one: Offer }): JSX.Element | null {
  const seen = one.location.lastSeenTime;
  if (!seen) return null;
  const age = now.value - milliseconds(seen);
  if (age < FRESH_MS) return null;
  return <span class="age age-stale">{t("connector.age", { age: duration(age / 1000) })}</span>;
}

function distance(km: number): string {
  const digits = km < 10 ? 1 : 0;
  return `${numbers(locale(), { maximumFractionDigits: digits }).format(km)}\u00a0km`;
}

/** Both connectors as one stands in front of them, in miniature. */
function Plugs({ one }: { readonly one: Offer }): JSX.Element {
  return (
    <ul class="offer-plugs plain">
      {connectorViews(one.location, live.value.sessions).map((view) => {
        const free = one.location.online && isFree(view.connector);
        const kept = view.state === ConnectorState.AVAILABLE && !free && one.location.online;
        const words = !one.location.online ? "state.offline" : kept ? "state.reserved" : stateKey(view.state);
        return (
          <li key={view.name} class={`offer-plug offer-plug-${free ? "free" : "taken"}`}>
            <i aria-hidden="true" />
            <span>
              {t(`connector.${view.side}`)} · {t(typeKey(view.connector.type))}
            </span>
            <strong>{t(words)}</strong>
          </li>
        );
      })}
    </ul>
  );
}

export function OfferItem({ one, chosen }: { readonly one: Offer; readonly chosen: boolean }): JSX.Element {
  const { location } = one;
  const each = location.tariff?.energyPricePerKwh;
  return (
    <li>
      <a class={chosen ? "offer panel offer-chosen" : "offer panel"} href={link.station(location.name)}>
        <span class="offer-head">
          <strong class="offer-name">{location.displayName || location.name}</strong>
          <span class={`chip offer-${one.availability}`}>
            {t(availabilityKey(one.availability), { count: one.free })}
          </span>
        </span>
        <span class="offer-where">
          {location.address}
          {one.distanceKm !== undefined && <strong> {distance(one.distanceKm)}</strong>}
        </span>
        <Plugs one={one} />
        <span class="offer-foot">
          <span>{t("connector.upTo", { power: text(power(locale(), one.maxPowerW)) })}</span>
          {each && <span>{t("connector.price", { price: price(locale(), each) })}</span>}
          {location.simulated && <span class="offer-simulated">{t("offer.simulated")}</span>}
          <Age one={one} />
        </span>
      </a>
    </li>
  );
}
