import type { JSX } from "preact";
import { CALL } from "../../api/clients";
import { AlarmSeverity, type Alarm } from "../../gen/powerctl/v1/fleet_pb";
import { Role } from "../../gen/powerctl/v1/identity_pb";
import { fleet } from "../api";
import { w, type Word } from "../i18n";
import { hasValues, said } from "../i18n/said";
import { steps } from "../domain/steps";
import { role, to } from "../routes";
import { ask } from "../state/deeds";
import { Ago, Badge, Moment } from "./parts";

interface AlarmProps {
  readonly alarm: Alarm;
  readonly withStation?: boolean;
  changed(): void;
}

function titleOf({ code }: Alarm): string {
  return said(`alarm.${code}.title`) ?? code;
}

/** What the cloud has noticed is said in the reader's language; what the station says is in its own words. */
function Summary({ alarm }: { readonly alarm: Alarm }): JSX.Element {
  const key = `alarm.${alarm.code}.detail`;
  const own = hasValues(key, alarm.values) ? said(key, alarm.values) : undefined;
  return (
    <p class="alarm-summary">
      <strong>{titleOf(alarm)}</strong> {own ?? <span lang="en">{alarm.summary}</span>}
    </p>
  );
}

function acknowledge(alarm: Alarm, changed: () => void): void {
  ask({
    title: w("alarm.acknowledge"),
    body: w("alarm.acknowledgeBody", { what: titleOf(alarm) }),
    label: w("alarm.acknowledge"),
    noteLabel: w("alarm.note"),
    method: "AcknowledgeAlarm",
    act: async (note) => {
      await fleet.acknowledgeAlarm({ name: alarm.name, note }, CALL);
      changed();
    },
  });
}

/** "stations/s/alarms/a" gives "s". */
export function stationOf(name: string): string {
  return name.split("/")[1] ?? "";
}

function place(alarm: Alarm): string {
  if (!alarm.connector) return w("alarm.station");
  return w("alarm.connector", { number: alarm.connector });
}

export function AlarmItem({ alarm, withStation, changed }: AlarmProps): JSX.Element {
  const grave = alarm.severity === AlarmSeverity.CRITICAL;
  const over = !!alarm.endTime;
  return (
    <li class={`alarm ${over ? "alarm-over" : grave ? "alarm-critical" : "alarm-warning"}`}>
      <div class="alarm-head">
        <Badge tone={over ? "plain" : grave ? "bad" : "warn"}>
          {over ? w("alarm.over") : w(grave ? "alarm.critical" : "alarm.warning")}
        </Badge>
        <code>{alarm.code}</code>
        {withStation && <a href={to.station(stationOf(alarm.name))}>{stationOf(alarm.name)}</a>}
        <span>{place(alarm)}</span>
        <span class="alarm-time">
          <Ago time={alarm.startTime} />
          {alarm.endTime && (
            <>
              {" – "}
              <Moment time={alarm.endTime} />
            </>
          )}
        </span>
      </div>
      <Summary alarm={alarm} />
      <p class="alarm-remedy">
        <strong>{w("alarm.do")}</strong> {said(`alarm.${alarm.code}.remedy`) ?? said("alarm.other.remedy")}
      </p>
      <details>
        <summary>{w("alarm.runbook")}</summary>
        <ol class="steps">
          {steps(alarm.runbook).map((key: Word) => (
            <li key={key}>{w(key)}</li>
          ))}
        </ol>
        <p class="small">
          <a href={to.runbook(alarm.runbook)}>{w("alarm.page")}</a>
        </p>
      </details>
      <div class="alarm-foot">
        {alarm.acknowledgeTime ? (
          <p class="small">
            {w("alarm.by", { who: alarm.acknowledgedBy })} · <Moment time={alarm.acknowledgeTime} />
            {alarm.note && ` · ${alarm.note}`}
          </p>
        ) : (
          <p class="small">{over ? "" : w("alarm.nobody")}</p>
        )}
        {!over && role() === Role.OPERATOR && (
          <button class="button quiet" type="button" onClick={() => acknowledge(alarm, changed)}>
            {w(alarm.acknowledgeTime ? "alarm.renote" : "alarm.acknowledge")}
          </button>
        )}
      </div>
    </li>
  );
}
