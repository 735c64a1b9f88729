import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CALL, locations } from "../api/clients";
import { priceRows } from "../domain/money";
import { money, price } from "../format/money";
import { duration } from "../format/time";
import type { CostEstimate, Location } from "../gen/powerctl/v1/location_pb";
import { locale, t } from "../i18n";

const FIRST_KWH = 20;
const LEAST_KWH = 5;
const MOST_KWH = 60;
/** A hand on the slider asks for the price where it rests. */
const REST_MS = 150;

function useEstimate(connector: string, kwh: number, reserveS: number): CostEstimate | undefined {
  const [estimate, setEstimate] = useState<CostEstimate | undefined>(undefined);
  useEffect(() => {
    let current = true;
    const ask = (): void => {
      const reserved = reserveS ? { reserveDuration: { seconds: BigInt(reserveS), nanos: 0 } } : {};
      locations.estimateCost({ connector, energyWh: BigInt(kwh * 1000), ...reserved }, CALL).then(
        (answer) => current && setEstimate(answer),
        () => current && setEstimate(undefined),
      );
    };
    const timer = setTimeout(ask, REST_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [connector, kwh, reserveS]);
  return estimate;
}

interface ExampleProps {
  readonly connector: string;
  /** From reserving to the start, seconds; zero: not reserved. */
  readonly reserveS?: number;
}

/** What a charge of so much energy would cost, computed by the cloud as a receipt is. */
export function PriceExample({ connector, reserveS = 0 }: ExampleProps): JSX.Element {
  const [kwh, setKwh] = useState(FIRST_KWH);
  const estimate = useEstimate(connector, kwh, reserveS);
  const seconds = Number(estimate?.chargeDuration?.seconds ?? 0n);
  return (
    <div class="example">
      <label>
        <span>{t("price.example", { kwh })}</span>
        <input
          type="range"
          min={LEAST_KWH}
          max={MOST_KWH}
          step={LEAST_KWH}
          value={kwh}
          onInput={(event) => setKwh(Number(event.currentTarget.value))}
        />
      </label>
      <output class="example-sum" aria-live="polite">
        <strong>{estimate?.total ? money(locale(), estimate.total) : "–"}</strong>
        {seconds > 0 && <span>{t("price.exampleTime", { time: duration(seconds) })}</span>}
      </output>
    </div>
  );
}

interface PanelProps extends ExampleProps {
  readonly location: Location;
}

/** Every price before anything is started: what is charged for, when, and an example. */
export default function PricePanel({ location, connector, reserveS = 0 }: PanelProps): JSX.Element | null {
  const { tariff } = location;
  if (!tariff) return null;
  return (
    <section class="prices panel" aria-labelledby="prices-title">
      <h2 id="prices-title">{t("price.title")}</h2>
      <dl class="price-rows">
        {priceRows(tariff).map((row) => (
          <div key={row.name}>
            <dt>
              {t(row.name)}
              <small>{t(row.note)}</small>
            </dt>
            <dd>
              <strong>{price(locale(), row.price)}</strong> {t(row.unit)}
            </dd>
          </div>
        ))}
      </dl>
      <PriceExample connector={connector} reserveS={reserveS} />
      <p class="small">
        {t(tariff.taxIncluded ? "receipt.taxIncluded" : "receipt.taxExcluded")} {t("price.frozen")}
      </p>
    </section>
  );
}
