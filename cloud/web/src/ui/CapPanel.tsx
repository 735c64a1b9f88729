import type { JSX } from "preact";
import { budget, type Budget } from "../domain/budget";
import { sourceKey } from "../domain/words";
import { power, text } from "../format/quantity";
import { milliseconds, moment } from "../format/time";
import type { StationLimits } from "../gen/powerctl/v1/common_pb";
import { locale, t, type Key } from "../i18n";
import type { StationProps } from "../pages/Station";
import { now, operator } from "../state/app";
import { LimitList } from "./LimitList";
import { PlanNote } from "./PlanNote";

const PARTS: readonly (readonly [part: keyof Omit<Budget, "rating" | "cap">, key: Key])[] = [
  ["left", "budget.left"],
  ["right", "budget.right"],
  ["losses", "budget.losses"],
  ["free", "budget.free"],
  ["withheld", "budget.withheld"],
];

/** Below this a part is nothing to speak of; the vehicles are always named. */
const WORTH_NAMING_W = 50;

function named(shares: Budget): typeof PARTS {
  return PARTS.filter(([part]) => part === "left" || part === "right" || shares[part] >= WORTH_NAMING_W);
}

function Bar({ shares }: { readonly shares: Budget }): JSX.Element {
  const full = Math.max(1, shares.rating);
  return (
    <figure class="budget">
      <div class="budget-bar" aria-hidden="true">
        {PARTS.map(([part]) => (
          <span key={part} class={`budget-${part}`} style={{ flexGrow: shares[part] / full }} />
        ))}
        <i class="budget-cap" style={{ left: `${(100 * shares.cap) / full}%` }} />
      </div>
      <figcaption>
        <dl class="legend" aria-label={t("budget.title")}>
          {named(shares).map(([part, key]) => (
            <div key={part}>
              <dt>
                <i class={`swatch budget-${part}`} />
                {t(key)}
              </dt>
              <dd>{text(power(locale(), shares[part]))}</dd>
            </div>
          ))}
        </dl>
      </figcaption>
    </figure>
  );
}

function Source({ limits }: { readonly limits: StationLimits }): JSX.Element {
  const until = limits.expireTime && moment(locale(), milliseconds(limits.expireTime), now.value);
  return (
    <p class="cap-why">
      <strong>{t(sourceKey(limits.source))}</strong>
      {until && ` ${t("cap.until", { time: until })}`}
      {limits.detail && <span>{limits.detail}</span>}
    </p>
  );
}

function Drawing({ watts }: { readonly watts: number }): JSX.Element {
  return (
    <p class="cap-drawing">
      <span class="eyebrow">{t("cap.drawing")}</span>
      <strong>{text(power(locale(), watts))}</strong>
    </p>
  );
}

/** The one number that everything else follows from: what the station may draw, and who says so. */
export function CapPanel({ location, views }: StationProps): JSX.Element {
  const limits = location.stationLimits;
  const of = (side: string): number => views.find((view) => view.side === side)?.live?.powerW ?? 0;
  const shares = budget(location, of("left"), of("right"));
  if (!limits || !shares) {
    return <section class="cap panel">{t("cap.unknown")}</section>;
  }
  const cap = power(locale(), limits.capW);
  return (
    <section class={location.online ? "cap panel" : "cap panel is-stale"} aria-labelledby="cap-title">
      <div class="cap-head">
        <div>
          <h2 id="cap-title" class="eyebrow">
            {t("cap.title")}
          </h2>
          <p class="cap-number">
            {cap.value}
            <small>
              {cap.unit} {shares.rating > limits.capW && t("cap.of", { rating: text(power(locale(), shares.rating)) })}
            </small>
          </p>
        </div>
        <Source limits={limits} />
        {location.acPowerW !== undefined && <Drawing watts={location.acPowerW} />}
      </div>
      <Bar shares={shares} />
      <PlanNote limits={limits} />
      {limits.sources.length > 0 && (
        <details>
          <summary>{t("cap.sources")}</summary>
          <LimitList limits={limits.sources} codes={operator.value} />
        </details>
      )}
    </section>
  );
}
