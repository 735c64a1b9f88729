/** What to do about an alarm, step by step: the runbook at the place where it is needed. */

import type { Word } from "../i18n";

const SITE: readonly Word[] = ["steps.close", "steps.recording", "steps.technician", "steps.reset"];
const LINK: readonly Word[] = ["steps.neighbours", "steps.signal", "steps.supply", "steps.visit"];
const KEY: readonly Word[] = ["steps.revoke", "steps.events", "steps.enrol"];
const RENEW: readonly Word[] = ["steps.events", "steps.clock", "steps.enrol"];
const DRIFT: readonly Word[] = ["steps.diff", "steps.who", "steps.adopt"];
const LOCK: readonly Word[] = ["steps.unlock", "steps.driver", "steps.technician"];
const VEHICLE: readonly Word[] = ["steps.driver", "steps.other", "steps.recording"];
const STOP: readonly Word[] = ["steps.call", "steps.release", "steps.reset"];
const ANY: readonly Word[] = ["steps.events", "steps.recording", "steps.technician"];

const STEPS: Readonly<Record<string, readonly Word[]>> = {
  station_silent: LINK,
  duplicate_identity: KEY,
  certificate_ends_soon: RENEW,
  configuration_drift: DRIFT,
  emergency_stop: STOP,
  earth: SITE,
  insulation: SITE,
  insulation_monitor: SITE,
  contactor_welded: SITE,
  over_voltage: SITE,
  measurement: SITE,
  power_stage: SITE,
  lock: LOCK,
  vehicle_fault: VEHICLE,
  incompatible: VEHICLE,
};

export function steps(code: string): readonly Word[] {
  return STEPS[code] ?? ANY;
}
