import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { active, offer, passes, sorted, type Offer } from "../domain/find";
import { t } from "../i18n";
import { live, phase } from "../state/app";
import { adopt, clearFilters, filters, position } from "../state/finding";
import { FilterBar } from "../ui/FilterBar";
import { MapView } from "../ui/MapView";
import { Empty, Loading } from "../ui/Notice";
import { OfferItem } from "../ui/OfferItem";

/** Stations of the list that come at once: nobody reads more, and each is drawn anew with every change. */
const AT_ONCE = 30;

/** Map and list of stations, live. */
export function Find(): JSX.Element {
  const stations = [...live.value.locations.values()];
  const [chosen, choose] = useState<readonly string[]>([]);
  useEffect(adopt, []);
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

function Results({
  offers,
  chosen,
}: {
  readonly offers: readonly Offer[];
  readonly chosen: readonly string[];
}): JSX.Element {
  const [most, setMost] = useState(AT_ONCE);
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
  // What was chosen on the map comes first: under the thumb on a phone.
  const isChosen = (one: Offer): boolean => chosen.includes(one.location.name);
  const first = offers.filter(isChosen);
  const rest = offers.filter((one) => !isChosen(one));
  const shown = [...first, ...rest].slice(0, most);
  return (
    <div class="find-list">
      <ul class="plain" aria-label={t("station.list")}>
        {shown.map((one) => (
          <OfferItem key={one.location.name} one={one} chosen={isChosen(one)} />
        ))}
      </ul>
      {shown.length < offers.length && (
        <button class="button wide" type="button" onClick={() => setMost(most + AT_ONCE)}>
          {t("find.more", { count: Math.min(AT_ONCE, offers.length - shown.length), total: offers.length })}
        </button>
      )}
    </div>
  );
}
