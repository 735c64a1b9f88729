import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { sourceKey } from "../../domain/words";
import { power, text } from "../../format/quantity";
import type { StationFlexibility } from "../../gen/powerctl/v1/utility_pb";
import { locale, t } from "../../i18n";
import { Loading } from "../../ui/Notice";
import { utility } from "../api";
import { w } from "../i18n";
import { idOf } from "../routes";
import { everything } from "../state/paged";
import { SOON, usePolled } from "../state/polled";
import { Ago, Badge, Broken, Nothing } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

function watts(value: number | undefined): string {
  return value === undefined ? "–" : text(power(locale(), value));
}

function columns(): readonly Column<StationFlexibility>[] {
  return [
    {
      key: "station",
      title: w("session.station"),
      by: (one) => one.displayName || one.station,
      cell: (one) => (
        <span class="row-link">
          <strong>{one.displayName || idOf(one.station)}</strong>
          <small>{idOf(one.station)}</small>
        </span>
      ),
    },
    {
      key: "online",
      title: w("fleet.health"),
      by: (one) => Number(one.online),
      cell: (one) => (
        <Badge tone={one.online ? "good" : "bad"}>{w(one.online ? "flex.online" : "health.offline")}</Badge>
      ),
    },
    {
      key: "power",
      title: w("flex.power"),
      number: true,
      by: (one) => one.powerW ?? 0,
      cell: (one) => watts(one.powerW),
    },
    {
      key: "cap",
      title: w("flex.cap"),
      number: true,
      by: (one) => one.capW ?? 0,
      cell: (one) => (
        <>
          {watts(one.capW)} <small>{one.capW !== undefined && t(sourceKey(one.capSource))}</small>
        </>
      ),
    },
    {
      key: "down",
      title: w("flex.down"),
      number: true,
      by: (one) => one.downW,
      cell: (one) => `↓ ${watts(one.downW)}`,
    },
    { key: "up", title: w("flex.up"), number: true, by: (one) => one.upW, cell: (one) => `↑ ${watts(one.upW)}` },
    { key: "time", title: w("flex.time"), cell: (one) => <Ago time={one.measureTime} /> },
  ];
}

const PAGE = 100;
/** Milliseconds between two looks at a fleet of many pages. */
const SELDOM = 30_000;
/** Rows of a fleet that are shown; its sums are of all. */
const SHOWN = 200;

async function stations(): Promise<readonly StationFlexibility[]> {
  return everything(async (pageToken) => {
    const answer = await utility.listFlexibility({ pageSize: PAGE, pageToken }, CALL);
    return { items: answer.stations, next: answer.nextPageToken };
  });
}

export function Flexibility(): JSX.Element {
  const [many, setMany] = useState(false);
  const [loaded, again] = usePolled("flexibility", stations, many ? SELDOM : SOON);
  useEffect(() => setMany(loaded.status === "ready" && loaded.value.length > PAGE), [loaded]);
  if (loaded.status === "failed") return <Broken sentence={loaded.sentence} retry={again} />;
  if (loaded.status === "loading") return <Loading />;
  const list = loaded.value;
  if (!list.length) return <Nothing title={w("fleet.none")} lead={w("fleet.noneLead")} />;
  const sum = (pick: (one: StationFlexibility) => number): string =>
    watts(list.reduce((all, one) => all + pick(one), 0));
  const figures: readonly (readonly [string, string])[] = [
    [w("flex.power"), sum((one) => one.powerW ?? 0)],
    [w("flex.down"), sum((one) => one.downW)],
    [w("flex.up"), sum((one) => one.upW)],
    [w("flex.rating"), sum((one) => one.ratingW)],
  ];
  return (
    <>
      <dl class="totals">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Table label={w("grid.flexibility")} columns={columns()} rows={list} most={SHOWN} id={(one) => one.station} />
    </>
  );
}
