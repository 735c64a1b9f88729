import type { JSX } from "preact";
import type { ConnectorView } from "../domain/connector";
import { percent, power, text } from "../format/quantity";
import { locale, t } from "../i18n";

const RADIUS = 70;
const LENGTH = 2 * Math.PI * RADIUS;

/** Power in the middle, the battery's level around it. */
export function Ring({ view }: { readonly view: ConnectorView }): JSX.Element {
  const soc = view.live?.socPercent;
  const shown = power(locale(), view.live?.powerW ?? 0);
  const level = soc === undefined ? t("connector.socUnknown") : `${t("connector.soc")} ${text(percent(locale(), soc))}`;
  return (
    <div class="ring" role="img" aria-label={`${t("connector.power")} ${text(shown)}. ${level}`}>
      <svg viewBox="0 0 160 160" aria-hidden="true">
        <circle class={soc === undefined ? "ring-track ring-unknown" : "ring-track"} cx="80" cy="80" r={RADIUS} />
        {soc !== undefined && soc > 0 && (
          <circle
            class="ring-level"
            cx="80"
            cy="80"
            r={RADIUS}
            stroke-dasharray={`${(LENGTH * Math.min(100, soc)) / 100} ${LENGTH}`}
            transform="rotate(-90 80 80)"
          />
        )}
      </svg>
      <div class="ring-text" aria-hidden="true">
        <span class="ring-power">{shown.value}</span>
        <span class="ring-unit">{shown.unit}</span>
        {soc !== undefined && <span class="ring-soc">{text(percent(locale(), soc))}</span>}
      </div>
    </div>
  );
}
