import { numbers } from "../format/intl";
import type { JSX } from "preact";
import { cheapest, hours, type Hour } from "../domain/outlook";
import { clock } from "../format/time";
import type { Location } from "../gen/powerctl/v1/location_pb";
import { locale, t } from "../i18n";
import { now } from "../state/app";
import "./priceOutlook.css";

function perKwh(price: number, currency: string): string {
  const shown = numbers(locale(), currency ? { style: "currency", currency } : { minimumFractionDigits: 2 });
  return shown.format(price);
}

function Bar({ hour, best }: { readonly hour: Hour; readonly best: boolean }): JSX.Element {
  return (
    <li class={best ? "outlook-best" : undefined}>
      <i style={{ "--height": `${Math.round(6 + hour.height * 94)}%` }} />
      <span>{clock(locale(), hour.start).slice(0, 2)}</span>
    </li>
  );
}

/** What a kilowatt hour from the grid costs in the hours to come: what the plan sees, not what a driver pays. */
export function PriceOutlook({ location }: { readonly location: Location }): JSX.Element | null {
  const told = location.stationLimits?.hourlyPrice ?? [];
  if (!told.length) return null;
  const ahead = hours(told, now.value);
  const best = cheapest(ahead)!;
  const currency = location.stationLimits?.priceCurrency ?? "";
  const summary = t("outlook.summary", {
    now: perKwh(ahead[0]!.price, currency),
    best: perKwh(best.price, currency),
    time: clock(locale(), best.start),
  });
  return (
    <section class="outlook" aria-labelledby="outlook-title">
      <h3 id="outlook-title" class="eyebrow">
        {t("outlook.title")}
      </h3>
      <p>{summary}</p>
      <ol class="plain" aria-hidden="true">
        {ahead.map((hour) => (
          <Bar key={hour.start} hour={hour} best={hour === best} />
        ))}
      </ol>
    </section>
  );
}
