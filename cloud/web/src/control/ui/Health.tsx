import type { JSX } from "preact";
import { duration, milliseconds } from "../../format/time";
import type { Station } from "../../gen/powerctl/v1/fleet_pb";
import { SignalClass } from "../../gen/powerctl/v1/uplink_pb";
import { locale } from "../../i18n";
import { now } from "../../state/app";
import { waiting, worries, type Worry } from "../domain/health";
import { w, type Word } from "../i18n";
import { Badge, type Tone } from "./parts";

const TONES: Record<Worry, Tone> = {
  offline: "bad",
  alarms: "bad",
  outbox: "warn",
  certificate: "warn",
  drift: "warn",
  manager: "bad",
  clock: "warn",
};

export interface StationProps {
  readonly station: Station;
}

/** The gravest first; a green word when there is nothing. */
export function Health({ station }: StationProps): JSX.Element {
  const found = worries(station);
  if (!found.length) return <Badge tone="good">{w("health.well")}</Badge>;
  return (
    <span class="badges">
      {found.map((worry) => (
        <Badge key={worry} tone={TONES[worry]}>
          {w(`health.${worry}`, { count: station.openAlarms })}
        </Badge>
      ))}
    </span>
  );
}

const SIGNALS: Record<SignalClass, readonly [bars: number, key: Word]> = {
  [SignalClass.UNSPECIFIED]: [0, "signal.unknown"],
  [SignalClass.UNKNOWN]: [0, "signal.unknown"],
  [SignalClass.NONE]: [0, "signal.none"],
  [SignalClass.MARGINAL]: [1, "signal.marginal"],
  [SignalClass.OK]: [2, "signal.ok"],
  [SignalClass.GOOD]: [3, "signal.good"],
  [SignalClass.EXCELLENT]: [4, "signal.excellent"],
};

export function Signal({ station }: StationProps): JSX.Element {
  const [bars, key] = SIGNALS[station.signalClass] ?? SIGNALS[SignalClass.UNKNOWN];
  return (
    <span class="signal">
      <svg viewBox="0 0 20 14" aria-hidden="true">
        {[0, 1, 2, 3].map((bar) => (
          <rect
            key={bar}
            class={bar < bars ? "on" : ""}
            x={bar * 5}
            y={10 - bar * 3}
            width="3.4"
            height={4 + bar * 3}
            rx="1"
          />
        ))}
      </svg>
      {w(key)}
      {station.rssiDbm !== undefined && <small>{station.rssiDbm}&nbsp;dBm</small>}
    </span>
  );
}

/** How much waits for the cloud, and for how long already. */
export function Outbox({ station }: StationProps): JSX.Element {
  if (!station.healthTime && !station.outboxRecords) return <span class="faint">–</span>;
  const age = waiting(station, now.value);
  if (age === undefined) return <span class="faint">{w("outbox.empty")}</span>;
  return (
    <span class={worries(station).includes("outbox") ? "late" : undefined}>
      {w("outbox.waits", { count: Number(station.outboxRecords), age: duration(age / 1000) })}
    </span>
  );
}

export function CertificateEnd({ station }: StationProps): JSX.Element {
  if (!station.certificateEndTime) return <span class="faint">–</span>;
  const end = milliseconds(station.certificateEndTime);
  const left = end - now.value;
  const day = new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", year: "numeric" }).format(end);
  const days = Math.max(0, Math.floor(left / 86_400_000));
  return (
    <span class={worries(station).includes("certificate") ? "stacked late" : "stacked"}>
      {left < 0 ? w("certificate.ended") : day}
      <small>{left < 0 ? day : w("certificate.days", { days })}</small>
    </span>
  );
}
