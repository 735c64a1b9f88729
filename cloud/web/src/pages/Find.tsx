import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { active, offer, passes, sorted, type Offer } from "../domain/find";
import { t } from "../i18n";
import { live, phase } from "../state/app";
import { clearFilters, filters, position } from "../state/finding";
import { FilterBar } from "../ui/FilterBar";
import { MapView } from "../ui/MapView";
import { Empty, Loading } from "../ui/Notice";
import { OfferItem } from "../ui/OfferItem";

/** Map and list of stations, live. */
export function Find(): JSX.Element {
  const stations = [...live.value.locations.values()];
  const [chosen, choose] = useState("");
  if (!stations.length) {
    return phase.value === "live" ? <Empty title={t("station.none")} lead={t("station.noneLead")} /> : <Loading />;
  }
  const all = stations.map((station) => offer(station, position.value));
  const shown = sorted(all.filter((one) => passes(one, filters.value)));
  return (
    <section class="find">
      <header class="find-head">
        <h1>{t("find.title")}</h1>
        <p role="status">{t("find.count", { count: shown.length, total: all.length })}</p>
      </header>
      <FilterBar offers={all} />
      <MapView offers={shown} chosen={chosen} choose={choose} />
      <Results offers={shown} chosen={chosen} />
    </section>
  );
}

function Results({ offers, chosen }: { readonly offers: readonly Offer[]; readonly chosen: string }): JSX.Element {
  if (!offers.length) {
    return (
      <div class="find-none panel">
        <h2>{t("find.none")}</h2>
        <p>{t("find.noneLead", { count: active(filters.value) })}</p>
        <button class="button" type="button" onClick={clearFilters}>
          {t("find.clear")}
        </button>
      </div>
    );
  }
  // The one that was chosen on the map comes first: under the thumb on a phone.
  const first = offers.filter((one) => one.location.name === chosen);
  const rest = offers.filter((one) => one.location.name !== chosen);
  return (
    <ul class="find-list plain" aria-label={t("station.list")}>
      {[...first, ...rest].map((one) => (
        <OfferItem key={one.location.name} one={one} chosen={one.location.name === chosen} />
      ))}
    </ul>
  );
}
