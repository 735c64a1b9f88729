import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CALL } from "../../api/clients";
import { uuid } from "../../api/uuid";
import { power, text } from "../../format/quantity";
import { milliseconds } from "../../format/time";
import { Role } from "../../gen/powerctl/v1/identity_pb";
import { CommandOutcome } from "../../gen/powerctl/v1/uplink_pb";
import { FleetCapState, type FleetCap, type FleetCapResponse } from "../../gen/powerctl/v1/utility_pb";
import { locale } from "../../i18n";
import { now } from "../../state/app";
import { Loading } from "../../ui/Notice";
import { utility } from "../api";
import { w, type Word } from "../i18n";
import { idOf, role } from "../routes";
import { ask } from "../state/deeds";
import { usePolled } from "../state/polled";
import { Field, FormDialog, type Values } from "../ui/Form";
import { Badge, Broken, Moment, Nothing, type Tone } from "../ui/parts";
import { Table, type Column } from "../ui/Table";

const STATES: Record<FleetCapState, readonly [Tone, Word]> = {
  [FleetCapState.UNSPECIFIED]: ["plain", "cap.ended"],
  [FleetCapState.PENDING]: ["info", "cap.pending"],
  [FleetCapState.ACTIVE]: ["warn", "cap.active"],
  [FleetCapState.ENDED]: ["plain", "cap.ended"],
  [FleetCapState.CANCELED]: ["plain", "cap.canceled"],
};

const OUTCOMES: Record<CommandOutcome, readonly [Tone, Word]> = {
  [CommandOutcome.UNSPECIFIED]: ["info", "command.sent"],
  [CommandOutcome.ACCEPTED]: ["good", "command.accepted"],
  [CommandOutcome.REJECTED]: ["bad", "command.rejected"],
  [CommandOutcome.EXPIRED]: ["warn", "command.expired"],
};

function watts(value: number | undefined): string {
  return value === undefined ? "–" : text(power(locale(), value));
}

function columns(): readonly Column<FleetCapResponse>[] {
  return [
    { key: "station", title: w("session.station"), cell: (one) => idOf(one.station) },
    { key: "cap", title: w("demand.cap"), number: true, cell: (one) => watts(one.capW) },
    {
      key: "outcome",
      title: w("command.state"),
      cell: (one) => {
        const [tone, key] = OUTCOMES[one.outcome];
        return (
          <>
            <Badge tone={tone}>{w(key)}</Badge> {one.detail}
          </>
        );
      },
    },
    { key: "applied", title: w("demand.applied"), cell: (one) => <Moment time={one.applyTime} /> },
    { key: "complied", title: w("demand.compliedAt"), cell: (one) => <Moment time={one.complyTime} /> },
    { key: "measured", title: w("demand.measured"), number: true, cell: (one) => watts(one.measuredW) },
  ];
}

function cancel(cap: FleetCap, changed: () => void): void {
  ask({
    title: w("cap.cancel"),
    body: w("cap.cancelBody"),
    label: w("cap.cancel"),
    danger: true,
    method: "CancelFleetCap",
    act: async () => {
      await utility.cancelFleetCap({ name: cap.name }, CALL);
      changed();
    },
  });
}

function Cap({ cap, changed }: { readonly cap: FleetCap; changed(): void }): JSX.Element {
  const [tone, key] = STATES[cap.state];
  const lasts = cap.state === FleetCapState.ACTIVE || cap.state === FleetCapState.PENDING;
  return (
    <section class="panel" aria-label={watts(cap.capW)}>
      <div class="panel-head">
        <h2>
          {watts(cap.capW)} <small>{cap.reason}</small>
        </h2>
        <span class="row-buttons">
          <span class="small">
            <Moment time={cap.startTime ?? cap.createTime} /> – <Moment time={cap.endTime} />
          </span>
          <Badge tone={tone}>{w(key)}</Badge>
          {lasts && role() === Role.UTILITY && (
            <button class="button quiet" type="button" onClick={() => cancel(cap, changed)}>
              {w("cap.cancel")}
            </button>
          )}
        </span>
      </div>
      <p class="small">
        {w("cap.comesBack", {
          minutes: Math.round(Number(cap.returnWithin?.seconds ?? 0) / 6) / 10,
          ramp: text(power(locale(), cap.rampUpWPerMinute)),
        })}
      </p>
      <Table label={w("cap.answers")} columns={columns()} rows={cap.responses} id={(one) => one.station} />
    </section>
  );
}

function NewCap({ close, changed }: { close(): void; changed(): void }): JSX.Element {
  const [requestId] = useState(uuid);
  const submit = (of: Values): void => {
    const minutes = Number(of("minutes"));
    const fleetCap = {
      capW: Number(of("power")) * 1000,
      reason: of("reason"),
      stations: of("stations")
        .split(/[\s,]+/)
        .filter(Boolean)
        .map((id) => (id.startsWith("stations/") ? id : `stations/${id}`)),
      endTime: timestampFromMs(now.peek() + minutes * 60_000),
      returnWithin: durationFromMs(Number(of("return")) * 60_000),
      rampUpWPerMinute: Number(of("ramp")) * 1000,
    };
    ask({
      title: w("cap.new"),
      body: w("cap.newBody", { power: of("power"), minutes, count: fleetCap.stations.length || w("cap.all") }),
      label: w("cap.new"),
      danger: true,
      method: "CreateFleetCap",
      act: async () => {
        await utility.createFleetCap({ fleetCap, requestId }, CALL);
        close();
        changed();
      },
    });
  };
  return (
    <FormDialog title={w("cap.new")} label={w("form.next")} close={close} submit={submit}>
      <Field label={w("cap.power")} name="power" type="number" min={0} step="0.1" value="11" />
      <Field label={w("cap.minutes")} name="minutes" type="number" min={1} step="1" value="15" />
      <Field
        label={w("cap.return")}
        name="return"
        type="number"
        min={0}
        step="1"
        value="10"
        hint={w("cap.returnHint")}
      />
      <Field label={w("cap.ramp")} name="ramp" type="number" min={0} step="1" hint={w("cap.rampHint")} optional />
      <Field label={w("cap.stations")} name="stations" hint={w("cap.stationsHint")} optional />
      <Field label={w("cap.reason")} name="reason" optional />
    </FormDialog>
  );
}

function begin(cap: FleetCap): number {
  return cap.createTime ? milliseconds(cap.createTime) : 0;
}

/** Caps for many stations at once, and what each answered. */
export function Caps(): JSX.Element {
  const [making, make] = useState(false);
  const [loaded, again] = usePolled("caps", () => utility.listFleetCaps({ pageSize: 20 }, CALL));
  if (loaded.status === "failed") return <Broken sentence={loaded.sentence} retry={again} />;
  if (loaded.status === "loading") return <Loading />;
  const caps = [...loaded.value.fleetCaps].sort((a, b) => begin(b) - begin(a));
  return (
    <>
      {role() === Role.UTILITY && (
        <div class="control-tools">
          <button class="button primary" type="button" onClick={() => make(true)}>
            {w("cap.new")}
          </button>
        </div>
      )}
      {!caps.length && <Nothing title={w("cap.none")} lead={w("cap.noneLead")} />}
      {caps.map((cap) => (
        <Cap key={cap.name} cap={cap} changed={again} />
      ))}
      {making && <NewCap close={() => make(false)} changed={again} />}
    </>
  );
}
