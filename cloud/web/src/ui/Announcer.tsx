import type { JSX } from "preact";
import { power, text } from "../format/quantity";
import { locale, t } from "../i18n";
import type { StationProps } from "../pages/Station";
import { stateKey } from "../domain/words";

/** Says changes of state and of the cap to a screen reader; never the numbers that move every second. */
export function Announcer({ location, views }: StationProps): JSX.Element {
  const states = views.map((view) => `${t(`connector.${view.side}`)}: ${t(stateKey(view.state))}.`);
  const cap = location.stationLimits;
  const words = cap ? `${t("cap.title")} ${text(power(locale(), cap.capW))}. ${cap.detail}` : "";
  return (
    <div class="sr-only" aria-live="polite">
      <p>{states.join(" ")}</p>
      <p>{words}</p>
    </div>
  );
}
