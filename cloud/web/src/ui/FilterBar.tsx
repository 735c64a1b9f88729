import type { JSX } from "preact";
import { active, comparablePrice, type Offer } from "../domain/find";
import { typeKey } from "../domain/words";
import { price } from "../format/money";
import { ConnectorType } from "../gen/powerctl/v1/common_pb";
import { locale, t } from "../i18n";
import { clearFilters, filter, filters, locate, locating, position } from "../state/finding";

/** Watts DC. */
const POWERS: readonly number[] = [11_000, 22_000, 50_000];

function Toggle({ on, words, flip }: { readonly on: boolean; readonly words: string; flip(): void }): JSX.Element {
  return (
    <button class="filter" type="button" aria-pressed={on} onClick={flip}>
      {words}
    </button>
  );
}

interface SelectProps {
  readonly label: string;
  readonly value: number;
  readonly options: readonly (readonly [value: number, words: string])[];
  choose(value: number): void;
}

function Select({ label, value, options, choose }: SelectProps): JSX.Element {
  return (
    <label class={value ? "filter filter-select filter-on" : "filter filter-select"}>
      <span class="sr-only">{label}</span>
      <select value={value} onChange={(event) => choose(Number(event.currentTarget.value))}>
        {options.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Every price that some station has, as upper bounds; nothing to choose when all cost the same. */
function priceOptions(offers: readonly Offer[]): [number, string][] {
  const known = new Map<number, string>();
  for (const { location } of offers) {
    const value = comparablePrice(location);
    const money = location.tariff?.energyPricePerKwh;
    if (value !== undefined && money) known.set(value, t("filter.maxPrice", { price: price(locale(), money) }));
  }
  return [...known].sort(([a], [b]) => a - b);
}

function flipped(types: readonly ConnectorType[], type: ConnectorType): ConnectorType[] {
  return types.includes(type) ? types.filter((one) => one !== type) : [...types, type];
}

function Near(): JSX.Element | null {
  if (!("geolocation" in navigator) || position.value) return null;
  const refused = locating.value === "refused";
  return (
    <button class="filter" type="button" disabled={locating.value === "asked" || refused} onClick={locate}>
      {t(refused ? "filter.nearRefused" : "filter.near")}
    </button>
  );
}

export function FilterBar({ offers }: { readonly offers: readonly Offer[] }): JSX.Element {
  const now = filters.value;
  const prices = priceOptions(offers);
  const types = [...new Set(offers.flatMap((one) => one.types))].filter((type) => type !== ConnectorType.UNSPECIFIED);
  return (
    <div class="filters" role="group" aria-label={t("filter.title")}>
      <Near />
      <Toggle
        on={now.availableNow}
        words={t("filter.available")}
        flip={() => filter({ availableNow: !now.availableNow })}
      />
      {types.map((type) => (
        <Toggle
          key={type}
          on={now.types.includes(type)}
          words={t(typeKey(type))}
          flip={() => filter({ types: flipped(now.types, type) })}
        />
      ))}
      <Select
        label={t("filter.power")}
        value={now.minPowerW}
        options={[
          [0, t("filter.anyPower")],
          ...POWERS.map((watts) => [watts, t("filter.minPower", { power: watts / 1000 })] as const),
        ]}
        choose={(minPowerW) => filter({ minPowerW })}
      />
      {prices.length > 1 && (
        <Select
          label={t("filter.price")}
          value={now.maxPrice}
          options={[[0, t("filter.anyPrice")], ...prices]}
          choose={(maxPrice) => filter({ maxPrice })}
        />
      )}
      {active(now) > 0 && (
        <button class="filter filter-clear" type="button" onClick={clearFilters}>
          {t("find.clear")}
        </button>
      )}
    </div>
  );
}
