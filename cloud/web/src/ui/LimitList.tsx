import type { JSX } from "preact";
import { sourceCode, sourceKey } from "../domain/words";
import { power, text } from "../format/quantity";
import { milliseconds, moment } from "../format/time";
import type { Limit } from "../gen/powerctl/v1/common_pb";
import { locale, t } from "../i18n";
import { now } from "../state/app";

interface LimitListProps {
  /** Lowest first; the first binds. */
  readonly limits: readonly Limit[];
  /** Show the stable codes that operators quote. */
  readonly codes: boolean;
}

export function LimitList({ limits, codes }: LimitListProps): JSX.Element {
  return (
    <ol class="limits">
      {limits.map((limit, index) => (
        <li key={`${limit.source} ${index}`} class={index === 0 ? "binding" : undefined}>
          <span class="limit-power">{text(power(locale(), limit.limitW))}</span>
          <span class="limit-source">
            {t(sourceKey(limit.source))}
            {index === 0 && <em> {t("cap.binding")}</em>}
            {codes && <code>{sourceCode(limit.source)}</code>}
          </span>
          <span class="limit-detail">
            {limit.detail}
            {limit.expireTime &&
              ` · ${t("cap.until", { time: moment(locale(), milliseconds(limit.expireTime), now.value) })}`}
          </span>
        </li>
      ))}
    </ol>
  );
}
