import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { CALL } from "../../api/clients";
import { lastSegment } from "../../domain/names";
import { sourceKey } from "../../domain/words";
import { power, text } from "../../format/quantity";
import { clockSeconds } from "../../format/time";
import { LimitSource } from "../../gen/powerctl/v1/common_pb";
import type { Location } from "../../gen/powerctl/v1/location_pb";
import { locale, t } from "../../i18n";
import { now } from "../../state/app";
import { coloursOf } from "../../ui/chartParts";
import { fleet } from "../api";
import { w, type Word } from "../i18n";
import { limitHistoryOf, limitSampleOf, topOf, type LimitHistory, type LimitSample } from "../state/limits";
import { pastOf } from "../state/past";
import { columns, options } from "./limitsChart";
import { Choices } from "./parts";

type Span = "5" | "15" | "30";
const SPANS: readonly Span[] = ["5", "15", "30"];

/** One hue per source, far from the colours of left and right. */
const HUES: Partial<Record<LimitSource, string>> = {
  [LimitSource.DSO]: "#b0346f",
  [LimitSource.EMS]: "#7a55c7",
  [LimitSource.AGGREGATOR]: "#3f6fd1",
  [LimitSource.OPERATOR]: "#57709a",
  [LimitSource.LOCAL_CONTACT]: "#c2502d",
  [LimitSource.FREQUENCY]: "#c23b3b",
  [LimitSource.SCHEDULE]: "#4d8a2f",
  [LimitSource.FAILSAFE]: "#d0342c",
  [LimitSource.FALLBACK]: "#8a5a44",
  [LimitSource.SITE_METER]: "#2f8a9e",
  [LimitSource.THERMAL]: "#d97706",
  [LimitSource.RAMP]: "#9a8fb8",
};
const OTHER = "#7c8a8d";

function colourOf(source: LimitSource): string {
  return HUES[source] ?? OTHER;
}

function kilowatts(watts: number | null | undefined): string {
  return watts === null || watts === undefined ? "–" : text(power(locale(), watts));
}

function granted(sample: LimitSample | undefined): number | null {
  if (!sample || (sample.leftLimit === null && sample.rightLimit === null)) return null;
  return (sample.leftLimit ?? 0) + (sample.rightLimit ?? 0);
}

const LINES: readonly (readonly [kind: string, key: Word, pick: (sample: LimitSample) => number | null])[] = [
  ["cap", "limits.cap", (sample) => sample.cap],
  ["granted-all", "limits.granted", granted],
  ["grid", "limits.measured", (sample) => sample.ac],
  ["left", "limits.left", (sample) => sample.left],
  ["right", "limits.right", (sample) => sample.right],
];

/** Samples once a second, as long as the page is open. */
function useHistory(location: Location): readonly [LimitHistory, number] {
  const history = limitHistoryOf(location.name);
  const [version, setVersion] = useState(0);
  const latest = useRef(location);
  latest.current = location;
  useEffect(() => {
    const take = (): void => {
      if (latest.current.online) history.add(limitSampleOf(latest.current, now.peek()));
      setVersion((count) => count + 1);
    };
    take();
    const timer = setInterval(take, 1000);
    return () => clearInterval(timer);
  }, [history]);
  useEffect(() => {
    const parent = `stations/${lastSegment(location.name)}`;
    fleet.listStationTelemetry({ parent }, CALL).then(
      ({ records }) => {
        history.precede(pastOf(latest.current, records));
        setVersion((count) => count + 1);
      },
      // Without the past the picture begins now.
      () => undefined,
    );
  }, [history]);
  useEffect(() => {
    if (location.online) history.add(limitSampleOf(location, now.peek()));
  }, [location]);
  return [history, version];
}

interface CanvasProps {
  readonly history: LimitHistory;
  readonly version: number;
  readonly span: Span;
  readonly top: number;
  readonly label: string;
  point(index: number | null): void;
}

function Canvas({ history, version, span, top, label, point }: CanvasProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef({ span, top, point });
  latest.current = { span, top, point };
  const language = locale();
  useEffect(() => {
    const element = box.current!;
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const build = (): void => {
      plot.current?.destroy();
      const ports = {
        colours: coloursOf(element),
        locale: language,
        history: () => history,
        now: () => now.peek(),
        spanMs: () => Number(latest.current.span) * 60_000,
        top: () => Math.ceil((latest.current.top / 1000) * 1.06),
        colourOf,
        onCursor: (index: number | null) => latest.current.point(index),
      };
      const settings = options(ports, element.clientWidth, element.clientHeight);
      plot.current = new uPlot(settings, columns(history.samples), element);
    };
    const resized = new ResizeObserver(() => {
      if (!plot.current) build();
      else plot.current.setSize({ width: element.clientWidth, height: element.clientHeight });
    });
    resized.observe(element);
    dark.addEventListener("change", build);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", build);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [history, language]);
  useEffect(() => plot.current?.setData(columns(history.samples)), [version, span]);
  return <div class="limits-canvas" ref={box} role="img" aria-label={label} />;
}

/** Who limits the station, how the cap is used, and what is drawn: over time, stacked. */
export function LimitsPanel({ location }: { readonly location: Location }): JSX.Element {
  const [history, version] = useHistory(location);
  const [span, setSpan] = useState<Span>("5");
  const [pointed, point] = useState<number | null>(null);
  const sample = history.samples[pointed ?? history.samples.length - 1] ?? history.samples.at(-1);
  const sources = history.sources(now.value - Number(span) * 60_000);
  const binding = location.stationLimits?.source ?? LimitSource.UNSPECIFIED;
  const label = w("limits.summary", {
    cap: kilowatts(sample?.cap),
    source: t(sourceKey(binding)),
    measured: kilowatts(sample?.ac),
    granted: kilowatts(granted(sample)),
  });
  return (
    <section class="panel limits-panel" aria-labelledby="limits-title">
      <div class="panel-head">
        <h2 id="limits-title">
          {w("limits.title")} <small>kW</small>
        </h2>
        <Choices
          label={w("limits.span")}
          value={span}
          choices={SPANS.map((value) => ({ value, label: `${value} min` }))}
          choose={setSpan}
        />
      </div>
      <Canvas history={history} version={version} span={span} top={topOf(location)} label={label} point={point} />
      <dl class="legend limits-legend">
        {LINES.map(([kind, key, pick]) => (
          <div key={kind}>
            <dt>
              <i class={`stroke stroke-${kind}`} />
              {w(key)}
            </dt>
            <dd>{kilowatts(sample && pick(sample))}</dd>
          </div>
        ))}
        {sources.map((source) => (
          <div key={source}>
            <dt>
              <svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">
                <rect width="12" height="12" rx="3" fill={colourOf(source)} opacity="0.5" />
              </svg>
              {t(sourceKey(source))}
            </dt>
            <dd>{kilowatts(sample?.slices.find((slice) => slice.source === source)?.from)}</dd>
          </div>
        ))}
        <div class="chart-time">
          <dd>{sample && pointed !== null ? clockSeconds(locale(), sample.time) : ""}</dd>
        </div>
      </dl>
    </section>
  );
}
