import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { ratingOf } from "../domain/budget";
import { sourceKey } from "../domain/words";
import { power, text } from "../format/quantity";
import { clockSeconds } from "../format/time";
import { LimitSource } from "../gen/powerctl/v1/common_pb";
import { locale, t, type Key } from "../i18n";
import type { StationProps } from "../pages/Station";
import { now } from "../state/app";
import { historyOf, version } from "../state/histories";
import type { CapChange, Sample } from "../state/history";
import { lazy } from "./lazy";
import { PriceOutlook } from "./PriceOutlook";

const Chart = lazy(() => import("./Chart"));

const READINGS: readonly (readonly [kind: string, key: Key, pick: (sample: Sample) => number | null])[] = [
  ["cap", "chart.cap", (sample) => sample.cap],
  ["grid", "chart.grid", (sample) => sample.ac],
  ["left", "chart.left", (sample) => sample.left],
  ["right", "chart.right", (sample) => sample.right],
  ["granted", "chart.granted", (sample) => sum(sample.leftLimit, sample.rightLimit)],
];

function sum(left: number | null, right: number | null): number | null {
  return left === null && right === null ? null : (left ?? 0) + (right ?? 0);
}

function kilowatts(watts: number | null | undefined): string {
  return watts === null || watts === undefined ? "–" : text(power(locale(), watts));
}

function changeWords(change: CapChange): string {
  const source = LimitSource[change.source as keyof typeof LimitSource] ?? LimitSource.UNSPECIFIED;
  return `${t(sourceKey(source))} ${text(power(locale(), change.cap))}`;
}

/** Values at the pointer, else of now. */
function Legend({ sample, pointed }: { readonly sample: Sample | undefined; readonly pointed: boolean }): JSX.Element {
  return (
    <dl class="legend chart-legend">
      {READINGS.map(([kind, key, pick]) => (
        <div key={kind}>
          <dt>
            <i class={`stroke stroke-${kind}`} />
            {t(key)}
          </dt>
          <dd>{kilowatts(sample && pick(sample))}</dd>
        </div>
      ))}
      <div class="chart-time">
        <dd>{sample && pointed ? clockSeconds(locale(), sample.time) : ""}</dd>
      </div>
    </dl>
  );
}

/** Caps and shares over the last minutes: the picture that says what the grid asked and what the vehicles got. */
export function HistoryPanel({ location, views }: StationProps): JSX.Element {
  const [pointed, point] = useState<number | null>(null);
  const history = useMemo(() => historyOf(location, now.peek()), [location.name]);
  // Subscribes to new samples.
  void version.value;
  const sample = history.samples[pointed ?? history.samples.length - 1] ?? history.samples.at(-1);
  const rated = ratingOf(location) || Math.max(1000, ...views.map((view) => view.connector.maxPowerW));
  const summary = t("chart.summary", {
    cap: kilowatts(sample?.cap),
    left: kilowatts(sample?.left),
    leftLimit: kilowatts(sample?.leftLimit),
    right: kilowatts(sample?.right),
    rightLimit: kilowatts(sample?.rightLimit),
  });
  return (
    <section class="history panel" aria-labelledby="history-title">
      <h2 id="history-title" class="eyebrow">
        {t("chart.title")} <small>kW</small>
      </h2>
      <Chart
        history={history}
        label={summary}
        ports={{
          locale: locale(),
          now: () => now.peek() / 1000,
          top: () => Math.ceil((rated / 1000) * 1.08),
          changes: () => history.capChanges(),
          words: changeWords,
          onCursor: point,
        }}
      />
      {history.samples.length < 2 && <p class="hint">{t("chart.waiting")}</p>}
      <Legend sample={sample} pointed={pointed !== null} />
      <PriceOutlook location={location} />
    </section>
  );
}
