import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { sourceCode, sourceKey } from "../../domain/words";
import { power, text } from "../../format/quantity";
import { clockSeconds, dateTime } from "../../format/time";
import { ExportFormat, type StationGridEvent } from "../../gen/powerctl/v1/utility_pb";
import { locale, t } from "../../i18n";
import { now } from "../../state/app";
import { useCall } from "../../state/call";
import { Alert, Loading } from "../../ui/Notice";
import { utility } from "../api";
import { compliance, demands, latency, type Demand } from "../domain/signals";
import { w } from "../i18n";
import { idOf } from "../routes";
import { everything } from "../state/paged";
import { usePolled } from "../state/polled";
import { Badge, Broken, Choices, Nothing, save } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

type Days = "1" | "7" | "31";
const DAYS: readonly Days[] = ["1", "7", "31"];
const DAY_MS = 86_400_000;
const PATIENT = { timeoutMs: 60_000 };

function window_(days: Days): {
  startTime: ReturnType<typeof timestampFromMs>;
  endTime: ReturnType<typeof timestampFromMs>;
} {
  const end = now.peek() + 1000;
  return { startTime: timestampFromMs(end - Number(days) * DAY_MS), endTime: timestampFromMs(end) };
}

async function events(days: Days): Promise<readonly StationGridEvent[]> {
  return everything(async (pageToken) => {
    const wanted = { parent: "stations/-", ...window_(days), pageSize: 100, pageToken };
    const answer = await utility.listGridEvents(wanted, CALL);
    return { items: answer.gridEvents, next: answer.nextPageToken };
  }, 10);
}

function seconds(value: number | undefined): string {
  if (value === undefined) return "–";
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(value)}\u00a0s`;
}

function after(demand: Demand, time: number | undefined): JSX.Element {
  if (time === undefined) return <span class="faint">–</span>;
  const late = demand.received === undefined ? undefined : (time - demand.received) / 1000;
  return (
    <>
      {clockSeconds(locale(), time)}
      {late !== undefined && <small> +{seconds(Math.max(0, late))}</small>}
    </>
  );
}

function State({ demand }: { readonly demand: Demand }): JSX.Element {
  if (demand.failsafe) return <Badge tone="bad">{w("demand.failsafe")}</Badge>;
  if (demand.slack) return <Badge>{w("demand.slack")}</Badge>;
  if (demand.complied !== undefined) return <Badge tone="good">{w("demand.complied")}</Badge>;
  if (demand.released !== undefined) return <Badge>{w("demand.released")}</Badge>;
  return <Badge tone="warn">{w("demand.waiting")}</Badge>;
}

function columns(): readonly Column<Demand>[] {
  const watts = (value: number | undefined): string => (value === undefined ? "–" : text(power(locale(), value)));
  return [
    {
      key: "received",
      title: w("demand.asked"),
      by: (demand) => demand.received ?? 0,
      cell: (demand) => (demand.received === undefined ? "–" : dateTime(locale(), demand.received)),
    },
    {
      key: "station",
      title: w("session.station"),
      by: (demand) => demand.station,
      cell: (demand) => idOf(demand.station),
    },
    {
      key: "source",
      title: w("demand.source"),
      by: (demand) => demand.source,
      cell: (demand) => (
        <>
          {t(sourceKey(demand.source))} <code>{sourceCode(demand.source)}</code>
        </>
      ),
    },
    {
      key: "cap",
      title: w("demand.cap"),
      number: true,
      by: (demand) => demand.capW,
      cell: (demand) => watts(demand.capW),
    },
    { key: "applied", title: w("demand.applied"), cell: (demand) => after(demand, demand.applied) },
    { key: "complied", title: w("demand.compliedAt"), cell: (demand) => after(demand, demand.complied) },
    { key: "measured", title: w("demand.measured"), number: true, cell: (demand) => watts(demand.measuredW) },
    {
      key: "latency",
      title: w("demand.latency"),
      number: true,
      by: (demand) => latency(demand) ?? Infinity,
      cell: (demand) => seconds(latency(demand)),
    },
    { key: "state", title: w("demand.state"), cell: (demand) => <State demand={demand} /> },
  ];
}

function Export({ days }: { readonly days: Days }): JSX.Element {
  const call = useCall();
  const fetch = (format: ExportFormat) => async (): Promise<void> => {
    const answer = await utility.exportGridEvents({ parent: "stations/-", ...window_(days), format }, PATIENT);
    save(answer.fileName, answer.contentType, answer.content);
  };
  const formats: readonly (readonly [ExportFormat, string])[] = [
    [ExportFormat.CSV, "CSV"],
    [ExportFormat.JSON_LINES, "JSON"],
  ];
  return (
    <>
      {formats.map(([format, name]) => (
        <button
          key={name}
          class="button quiet"
          type="button"
          disabled={call.busy}
          onClick={() => void call.run(fetch(format))}
        >
          {w("demand.export", { format: name })}
        </button>
      ))}
      <Alert sentence={call.failure} />
    </>
  );
}

function Totals({ list }: { readonly list: readonly Demand[] }): JSX.Element {
  const sum = compliance(list);
  const share = sum.asked ? `${Math.round((100 * sum.met) / sum.asked)}\u00a0%` : "–";
  const figures: readonly (readonly [string, string])[] = [
    [w("demand.count"), String(sum.asked)],
    [w("demand.met"), `${sum.met} · ${share}`],
    [w("demand.median"), seconds(sum.median)],
    [w("demand.worst"), seconds(sum.worst)],
  ];
  return (
    <dl class="totals">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Signals(): JSX.Element {
  const [days, setDays] = useState<Days>("1");
  const [loaded, again] = usePolled(`grid ${days}`, () => events(days), 4_000);
  if (loaded.status === "failed") return <Broken sentence={loaded.sentence} retry={again} />;
  if (loaded.status === "loading") return <Loading />;
  const list = demands(loaded.value);
  return (
    <>
      <div class="control-tools">
        <Choices
          label={w("demand.window")}
          value={days}
          choices={DAYS.map((value) => ({ value, label: w("demand.days", { days: value }) }))}
          choose={setDays}
        />
        <Export days={days} />
      </div>
      <Totals list={list} />
      {!list.length && <Nothing title={w("demand.none")} lead={w("demand.noneLead")} />}
      {list.length > 0 && (
        <Table label={w("grid.signals")} columns={columns()} rows={list} id={(demand) => demand.key} />
      )}
    </>
  );
}
