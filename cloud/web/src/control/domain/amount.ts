/** Money as people type it, and moments as the browser's field gives them. Pure. */

import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, type Timestamp } from "@bufbuild/protobuf/wkt";
import type { MoneySchema } from "../../gen/powerctl/v1/common_pb";
import { decimalText, type Amount } from "../../format/money";

export type MoneyInit = MessageInitShape<typeof MoneySchema>;

const DECIMAL = /^(\d{1,9})(?:[.,](\d{1,9}))?$/;

/** "0,295" or "0.295"; undefined: empty, or no amount. */
export function amount(text: string, currencyCode: string): MoneyInit | undefined {
  const found = DECIMAL.exec(text.trim());
  if (!found) return undefined;
  return { currencyCode, units: BigInt(found[1]!), nanos: Number((found[2] ?? "").padEnd(9, "0")) };
}

/** What `amount` reads; empty for nothing. */
export function typed(value: Amount | undefined): string {
  return value ? decimalText(value) : "";
}

/** Of a field of type datetime-local, in the browser's time zone. */
export function instant(text: string): Timestamp | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : timestampFromMs(ms);
}

/** For a field of type datetime-local. */
export function local(ms: number): string {
  const offset = new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - offset).toISOString().slice(0, 16);
}
