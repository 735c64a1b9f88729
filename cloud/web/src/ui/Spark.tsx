import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Side } from "../domain/connector";
import type { Location } from "../gen/powerctl/v1/location_pb";
import { t } from "../i18n";
import { now } from "../state/app";
import { historyOf, version } from "../state/histories";
import { WINDOW_MS, type Sample } from "../state/history";

const WIDTH = 320;
const HEIGHT = 56;

type Pick = (sample: Sample) => number | null;

/** Steps from sample to sample; what is not known is a gap. */
function steps(
  samples: readonly Sample[],
  pick: Pick,
  x: (ms: number) => number,
  y: (watts: number) => number,
): string {
  let path = "";
  let pen = false;
  for (const sample of samples) {
    const watts = pick(sample);
    if (watts === null) pen = false;
    else {
      const at = `${x(sample.time).toFixed(1)}`;
      path += pen ? `H${at}V${y(watts).toFixed(1)}` : `M${at} ${y(watts).toFixed(1)}`;
      pen = true;
    }
  }
  return path;
}

interface SparkProps {
  readonly location: Location;
  readonly side: Side;
  /** Height of the picture, watts. */
  readonly full: number;
}

/** Power under its limit over the last five minutes. The figures beside it say the same of now. */
export function Spark({ location, side, full }: SparkProps): JSX.Element {
  const history = useMemo(() => historyOf(location, now.peek()), [location.name]);
  // Subscribes to new samples.
  void version.value;
  const begin = now.value - WINDOW_MS;
  const x = (ms: number): number => Math.max(0, ((ms - begin) / WINDOW_MS) * WIDTH);
  const y = (watts: number): number => HEIGHT - 2 - (Math.min(watts, full) / Math.max(1, full)) * (HEIGHT - 4);
  const power: Pick = (sample) => (side === "left" ? sample.left : sample.right);
  const limit: Pick = (sample) => (side === "left" ? sample.leftLimit : sample.rightLimit);
  return (
    <figure class="spark">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path class="spark-limit" d={steps(history.samples, limit, x, y)} />
        <path class="spark-power" d={steps(history.samples, power, x, y)} />
      </svg>
      <figcaption>
        <span>{t("spark.title")}</span>
        <span>
          <i class="stroke stroke-power" /> {t("connector.power")} <i class="stroke stroke-granted" />{" "}
          {t("connector.limit")}
        </span>
      </figcaption>
    </figure>
  );
}
