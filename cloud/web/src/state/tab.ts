/** What belongs to one visit: a purchase under way and the connector it is for. It outlives a reload, not the tab. */

import { signal } from "@preact/signals";
import { uuid } from "../api/uuid";
import { readJson, tab, write } from "./stored";

const STORED = "powerctl.purchase";

export interface Purchase {
  readonly connector: string;
  /** The same until the provider has answered, so that asking again holds the amount once. */
  readonly requestId: string;
  readonly method: string;
  /** Where in the process the person is. `wallet`: at the wallet's own page. */
  readonly stage: "choosing" | "wallet" | "approved" | "paying" | "paid";
  /** The charging token once paid. */
  readonly token: string;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly expires: number;
  /** Of StartSession, the same until it is answered. */
  readonly startId: string;
}

export const purchase = signal<Purchase | undefined>(readJson<Purchase>(tab, STORED));

function save(next: Purchase | undefined): void {
  purchase.value = next;
  write(tab, STORED, next ? JSON.stringify(next) : null);
}

/** The purchase for `connector`; another connector's, and one whose token has run out, is dropped. */
export function purchaseFor(connector: string, now: number): Purchase {
  const known = purchase.value;
  const over = known?.stage === "paid" && known.expires <= now;
  if (known && known.connector === connector && !over) return known;
  const ids = { requestId: uuid(), startId: uuid() };
  const fresh: Purchase = { connector, ...ids, method: "", stage: "choosing", token: "", expires: 0 };
  save(fresh);
  return fresh;
}

export function update(change: Partial<Purchase>): void {
  if (purchase.value) save({ ...purchase.value, ...change });
}

/** After a refusal: the next attempt is a new wish. */
export function renew(): void {
  update({ requestId: uuid(), stage: "choosing", token: "", expires: 0 });
}

export function forgetTab(): void {
  save(undefined);
}
