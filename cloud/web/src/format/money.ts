/** Money as text. It is never a float on the way: the decimal text goes to Intl as it is. */

import { numbers } from "./intl";

export interface Amount {
  readonly currencyCode: string;
  readonly units: bigint;
  /** Billionths of a unit, same sign as `units`. */
  readonly nanos: number;
}

/** Decimal text of an amount, for example "-3.25"; trailing zeros are dropped. */
export function decimalText({ units, nanos }: Amount): string {
  const negative = units < 0n || nanos < 0;
  const whole = units < 0n ? -units : units;
  const fraction = Math.abs(nanos).toString().padStart(9, "0").replace(/0+$/, "");
  return `${negative ? "-" : ""}${whole}${fraction && `.${fraction}`}`;
}

function write(locale: string, amount: Amount, extraDigits: number): string {
  if (!amount.currencyCode) return "";
  const base = { style: "currency", currency: amount.currencyCode } as const;
  const minor = numbers(locale, base).resolvedOptions().maximumFractionDigits ?? 2;
  const format = numbers(locale, { ...base, maximumFractionDigits: minor + extraDigits });
  return format.format(decimalText(amount) as Intl.StringNumericLiteral);
}

/** An amount to pay, in the currency's own minor unit. */
export function money(locale: string, amount: Amount): string {
  return write(locale, amount, 0);
}

/** A price per unit, which may be finer than the minor unit: "€0.2955". */
export function price(locale: string, amount: Amount): string {
  return write(locale, amount, 4);
}
