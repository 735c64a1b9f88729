import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { AlarmSeverity, type Alarm } from "../../gen/powerctl/v1/fleet_pb";
import { Loading } from "../../ui/Notice";
import { fleet } from "../api";
import { w } from "../i18n";
import { everything } from "../state/paged";
import { usePolled } from "../state/polled";
import { AlarmItem } from "../ui/AlarmItem";
import { Broken, Choices, Head, Nothing } from "../ui/parts";

type Filter = "open" | "waiting" | "critical" | "ended";

const FITS: Record<Filter, (alarm: Alarm) => boolean> = {
  open: (alarm) => !alarm.endTime,
  waiting: (alarm) => !alarm.endTime && !alarm.acknowledgeTime,
  critical: (alarm) => !alarm.endTime && alarm.severity === AlarmSeverity.CRITICAL,
  ended: (alarm) => !!alarm.endTime,
};
/** Pages of ended alarms that are read; older ones are in a station's timeline. */
const PAGES = 3;

async function alarms(): Promise<readonly Alarm[]> {
  return everything(async (pageToken) => {
    const answer = await fleet.listAlarms({ parent: "stations/-", showEnded: true, pageSize: 100, pageToken }, CALL);
    return { items: answer.alarms, next: answer.nextPageToken };
  }, PAGES);
}

export function AlarmsPage(): JSX.Element {
  const [filter, setFilter] = useState<Filter>("open");
  const [loaded, again] = usePolled("alarms", alarms);
  if (loaded.status === "failed") return <Broken sentence={loaded.sentence} retry={again} />;
  if (loaded.status === "loading") return <Loading />;
  const shown = loaded.value.filter(FITS[filter]);
  const choices = (Object.keys(FITS) as Filter[]).map((value) => ({
    value,
    label: w(`alarms.${value}`),
    count: loaded.value.filter(FITS[value]).length,
  }));
  return (
    <>
      <Head title={w("nav.alarms")} lead={w("alarms.lead")} />
      <Choices label={w("filter.label")} value={filter} choices={choices} choose={setFilter} />
      {shown.length === 0 && <Nothing title={w("alarms.none")} lead={w("alarms.noneLead")} />}
      <ul class="alarm-list plain">
        {shown.map((alarm) => (
          <AlarmItem key={alarm.name} alarm={alarm} changed={again} withStation />
        ))}
      </ul>
    </>
  );
}
