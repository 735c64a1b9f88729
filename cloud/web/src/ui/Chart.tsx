import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { History } from "../state/history";
import { version } from "../state/histories";
import { options, type ChartPorts } from "./chart";
import { coloursOf } from "./chartParts";

interface ChartProps {
  readonly history: History;
  readonly label: string;
  readonly ports: Omit<ChartPorts, "colours">;
}

function columns(history: History): uPlot.AlignedData {
  return history.columns() as unknown as uPlot.AlignedData;
}

/** The canvas; it is rebuilt only when size or theme changes. */
export default function Chart({ history, label, ports }: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(ports);
  latest.current = ports;

  useEffect(() => {
    const element = box.current!;
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const bound: Omit<ChartPorts, "colours"> = {
      locale: ports.locale,
      now: () => latest.current.now(),
      top: () => latest.current.top(),
      changes: () => latest.current.changes(),
      words: (change) => latest.current.words(change),
      onCursor: (index) => latest.current.onCursor(index),
    };
    const build = (): void => {
      plot.current?.destroy();
      const { clientWidth, clientHeight } = element;
      const settings = options({ ...bound, colours: coloursOf(element) }, clientWidth, clientHeight);
      plot.current = new uPlot(settings, columns(history), element);
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
  }, [history, ports.locale]);

  const drawn = version.value;
  useEffect(() => {
    plot.current?.setData(columns(history));
  }, [history, drawn]);

  return <div class="chart" ref={box} role="img" aria-label={label} />;
}
