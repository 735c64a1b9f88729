import type { JSX } from "preact";
import { connectorViews, type ConnectorView } from "../domain/connector";
import { locationOf } from "../domain/names";
import { typeKey } from "../domain/words";
import { power, text } from "../format/quantity";
import type { Location } from "../gen/powerctl/v1/location_pb";
import { locale, t } from "../i18n";
import { link } from "../routes";
import { live } from "../state/app";
import { PlugFace } from "./PlugFace";

export interface Spot {
  readonly location: Location;
  readonly view: ConnectorView;
}

/** A connector and its station, as far as the stream has told. */
export function spotOf(connector: string): Spot | undefined {
  const location = live.value.locations.get(locationOf(connector));
  const view = location && connectorViews(location, live.value.sessions).find((one) => one.name === connector);
  return location && view && { location, view };
}

/** "Left, CHAdeMO" in words. */
export function spotWords(connector: string): string {
  const spot = spotOf(connector);
  if (!spot) return "";
  return `${t(`connector.${spot.view.side}`)}, ${t(typeKey(spot.view.connector.type))}`;
}

/** "Harbour Street 4, left", as far as the stream has told; else the connector's own name. */
export function placeWords(connector: string): string {
  const spot = spotOf(connector);
  if (!spot) return connector;
  return `${spot.location.displayName}, ${t(`connector.${spot.view.side}`).toLowerCase()}`;
}

/** Which connector of which station this page is about. */
export function PlaceHead({ spot, title }: { readonly spot: Spot; readonly title: string }): JSX.Element {
  const { location, view } = spot;
  return (
    <header class={`place side-${view.side}`}>
      <PlugFace type={view.connector.type} />
      <div>
        <a class="place-back" href={link.station(location.name)}>
          {location.displayName || location.name}
        </a>
        <h1>{title}</h1>
        <p>
          <strong class="place-side">{t(`connector.${view.side}`)}</strong> · {t(typeKey(view.connector.type))} ·{" "}
          {t("connector.upTo", { power: text(power(locale(), view.connector.maxPowerW)) })}
        </p>
      </div>
    </header>
  );
}
