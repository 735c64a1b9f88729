/** Pages of the control room, below "#/operate" and "#/utility". */

import { account } from "../state/app";
import { Role } from "../gen/powerctl/v1/identity_pb";

/** What is listed at the side. */
export type Section =
  | "fleet"
  | "alarms"
  | "sessions"
  | "reservations"
  | "tariffs"
  | "grid"
  | "approvals"
  | "people"
  | "certificates"
  | "audit";

const { OPERATOR, OPERATOR_VIEW, OWNER, BILLING, UTILITY, AUDITOR, ADMIN } = Role;

/** Who sees which section; as in the back end's policy, which decides. */
const SECTIONS: readonly (readonly [section: Section, roles: readonly Role[]])[] = [
  ["fleet", [OPERATOR, OPERATOR_VIEW, OWNER]],
  ["alarms", [OPERATOR, OPERATOR_VIEW, OWNER]],
  ["sessions", [OPERATOR, OPERATOR_VIEW, BILLING, AUDITOR]],
  ["reservations", [OPERATOR, OPERATOR_VIEW, AUDITOR]],
  ["tariffs", [OPERATOR, OPERATOR_VIEW, BILLING, AUDITOR]],
  ["grid", [UTILITY, OPERATOR, OPERATOR_VIEW, AUDITOR]],
  ["people", [ADMIN]],
  ["certificates", [ADMIN]],
  ["approvals", [OPERATOR, BILLING, UTILITY, AUDITOR, ADMIN]],
  ["audit", [AUDITOR, ADMIN, OPERATOR, BILLING, UTILITY]],
];

export function sectionsOf(role: Role): readonly Section[] {
  return SECTIONS.filter(([, roles]) => roles.includes(role)).map(([section]) => section);
}

export function role(): Role {
  const { value } = account;
  return value.status === "signed-in" ? value.principal.role : Role.UNSPECIFIED;
}

function path(...segments: readonly string[]): string {
  return `#/operate/${segments.map(encodeURIComponent).join("/")}`;
}

export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

export const to = {
  section: (section: Section): string => (section === "grid" ? "#/utility" : path(section)),
  station: (station: string, tab = ""): string => path("fleet", station, ...(tab ? [tab] : [])),
  runbook: (page: string): string => path("alarms", page),
  session: (session: string): string => path("sessions", idOf(session)),
};
