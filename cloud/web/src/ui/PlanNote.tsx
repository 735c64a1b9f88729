import type { JSX } from "preact";
import { power, text } from "../format/quantity";
import { PlanState, type StationLimits } from "../gen/powerctl/v1/common_pb";
import { locale, t, type Key } from "../i18n";
import { operator } from "../state/app";

const WORDS: Readonly<Partial<Record<PlanState, Key>>> = {
  [PlanState.OFF]: "plan.off",
  [PlanState.IDLE]: "plan.idle",
  [PlanState.USED]: "plan.used",
  [PlanState.FAILED]: "plan.failed",
};

/** How the plan fares: what happened to it is told, whatever it was; limits hold without it. */
export function PlanNote({ limits }: { readonly limits: StationLimits }): JSX.Element | null {
  const plan = limits.plan;
  const key = plan && WORDS[plan.state];
  if (!plan || !key) return null;
  const failed = plan.state === PlanState.FAILED;
  const spare = limits.flexibility[0];
  return (
    <div class={failed ? "cap-plan is-failed" : "cap-plan"} role="status">
      <strong>{t(key)}</strong>
      {(failed || operator.value) && <span>{plan.detail}</span>}
      {operator.value && spare && (
        <span>
          {t("plan.spare", {
            down: text(power(locale(), spare.downAcW ?? spare.downW)),
            up: text(power(locale(), spare.upAcW ?? spare.upW)),
          })}
        </span>
      )}
    </div>
  );
}
