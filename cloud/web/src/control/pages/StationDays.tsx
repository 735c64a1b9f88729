import type { JSX } from "preact";
import { CALL } from "../../api/clients";
import { lastSegment } from "../../domain/names";
import { energy, percent, power, text } from "../../format/quantity";
import { day } from "../../format/time";
import type { StationDay } from "../../gen/powerctl/v1/fleet_pb";
import { locale } from "../../i18n";
import { Loading } from "../../ui/Notice";
import { fleet } from "../api";
import { w } from "../i18n";
import { usePaged } from "../state/paged";
import { Broken, Nothing } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

function dateOf(one: StationDay): string {
  return day(locale(), lastSegment(one.name));
}

function columns(): readonly Column<StationDay>[] {
  return [
    { key: "day", title: w("days.day"), cell: dateOf },
    { key: "energy", title: w("days.energy"), number: true, cell: (one) => text(energy(locale(), one.energyWh)) },
    { key: "sessions", title: w("days.sessions"), number: true, cell: (one) => one.sessions },
    {
      key: "use",
      title: w("days.utilisation"),
      number: true,
      cell: (one) => text(percent(locale(), one.utilisation * 100)),
    },
    { key: "power", title: w("days.powerMax"), number: true, cell: (one) => text(power(locale(), one.powerMaxW)) },
  ];
}

/** The days' energy side by side, the oldest on the left. */
function Bars({ days }: { readonly days: readonly StationDay[] }): JSX.Element {
  const highest = Math.max(...days.map((one) => one.energyWh), 1);
  const sum = days.reduce((total, one) => total + one.energyWh, 0);
  const label = w("days.summary", { energy: text(energy(locale(), sum)), days: days.length });
  return (
    <svg
      class="days-bars"
      viewBox={`0 0 ${days.length * 10} 100`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {[...days].reverse().map((one, index) => {
        const height = (one.energyWh / highest) * 100;
        return (
          <rect key={one.name} x={index * 10 + 1} y={100 - height} width="8" height={height}>
            <title>{`${dateOf(one)}: ${text(energy(locale(), one.energyWh))}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}

/** What the station sold, day by day. */
export function DaysTab({ station }: { readonly station: string }): JSX.Element {
  const paged = usePaged(`days ${station}`, async (pageToken) => {
    const answer = await fleet.listStationDays({ parent: station, pageToken }, CALL);
    return { items: answer.days, next: answer.nextPageToken };
  });
  const days = paged.items;
  return (
    <section class="panel" aria-labelledby="days">
      <h2 id="days">{w("station.days")}</h2>
      {paged.failure && <Broken sentence={paged.failure} retry={paged.again} />}
      {!days && !paged.failure && <Loading />}
      {days?.length === 0 && <Nothing title={w("days.none")} lead={w("days.noneLead")} />}
      {days && days.length > 0 && (
        <>
          <Bars days={days} />
          <Table label={w("station.days")} columns={columns()} rows={days} id={(one) => one.name} />
        </>
      )}
      {paged.next && (
        <button class="button quiet" type="button" disabled={paged.busy} onClick={paged.more}>
          {w("list.more")}
        </button>
      )}
    </section>
  );
}
