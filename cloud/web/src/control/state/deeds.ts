/** What is asked before something is done, and what the audit log says afterwards. */

import { signal } from "@preact/signals";
import { CALL } from "../../api/clients";
import type { AuditEntry } from "../../gen/powerctl/v1/audit_pb";
import { audit } from "../api";

export interface Deed {
  readonly title: string;
  readonly body: string;
  /** On the button that does it. */
  readonly label: string;
  readonly danger?: boolean;
  /** Asks for a sentence; given to `act`. */
  readonly noteLabel?: string;
  readonly noteRequired?: boolean;
  /** Last part of the method's name, for finding its entry. */
  readonly method: string;
  act(note: string): Promise<unknown>;
}

/** What is to be confirmed now. */
export const asking = signal<Deed | undefined>(undefined);

export interface Done {
  readonly title: string;
  /** Undefined: on its way; null: the log could not be read. */
  readonly entry: AuditEntry | null | undefined;
}

/** The last deed that was done. */
export const done = signal<Done | undefined>(undefined);

export function ask(deed: Deed): void {
  asking.value = deed;
}

/** Do it, and look up what the audit log has written. Raises what the call raises. */
export async function carryOut(deed: Deed, note: string): Promise<void> {
  await deed.act(note);
  done.value = { title: deed.title, entry: undefined };
  const entry = await newestOf(deed.method);
  done.value = { title: deed.title, entry };
}

async function newestOf(method: string): Promise<AuditEntry | null> {
  try {
    const { auditEntries } = await audit.listAuditEntries({ pageSize: 1, own: true, method }, CALL);
    return auditEntries[0] ?? null;
  } catch {
    // The deed is done and written; only showing the entry failed.
    return null;
  }
}
