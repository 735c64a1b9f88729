/** What to do about an alarm, step by step: the short form of its runbook, at the place where it is needed. */

import type { Word } from "../i18n";

const ANY: readonly Word[] = ["steps.events", "steps.recording", "steps.technician"];

/** By the page of the runbooks. */
const STEPS: Readonly<Record<string, readonly Word[]>> = {
  "alarm-station-silent": ["steps.neighbours", "steps.signal", "steps.supply", "steps.visit"],
  "alarm-duplicate-identity": ["steps.revoke", "steps.events", "steps.enrol"],
  "alarm-certificate": ["steps.events", "steps.clock", "steps.enrol"],
  "alarm-configuration-drift": ["steps.diff", "steps.who", "steps.adopt"],
  "alarm-door": ["steps.whoWorks", "steps.events", "steps.revoke"],
  "alarm-broker": ["steps.neighbours", "steps.events", "steps.revoke"],
  "alarm-factory-reset": ["steps.whoWorks", "steps.revoke", "steps.enrol"],
  "alarm-clock": ["steps.clock", "steps.events"],
  "alarm-update": ["steps.events", "steps.signing"],
  "alarm-emergency-stop": ["steps.call", "steps.release", "steps.reset"],
  "alarm-electrical-fault": ["steps.close", "steps.recording", "steps.technician", "steps.reset"],
  "alarm-power-stage": ["steps.reset", "steps.recording", "steps.technician"],
  "alarm-lock": ["steps.unlock", "steps.driver", "steps.technician"],
  "alarm-vehicle": ["steps.driver", "steps.other", "steps.recording"],
};

export function steps(runbook: string): readonly Word[] {
  return STEPS[runbook] ?? ANY;
}
