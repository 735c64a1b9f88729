/** Quantities as a person reads them. All functions are pure; the locale is an argument. */

import { numbers } from "./intl";

export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

function decimal(locale: string, value: number, digits: number): string {
  const format = numbers(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  // Minus zero is not a thing a meter shows.
  return format.format(Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value);
}

/** Power in kilowatts with one decimal, which is what 22 kW hardware resolves. */
export function power(locale: string, watts: number): Quantity {
  return { value: decimal(locale, watts / 1000, 1), unit: "kW" };
}

/** Energy: watt hours below one kilowatt hour, else kilowatt hours with two decimals. */
export function energy(locale: string, wattHours: number | bigint): Quantity {
  const wh = Number(wattHours);
  return Math.abs(wh) < 1000
    ? { value: decimal(locale, wh, 0), unit: "Wh" }
    : { value: decimal(locale, wh / 1000, 2), unit: "kWh" };
}

export function current(locale: string, amperes: number): Quantity {
  return { value: decimal(locale, amperes, 1), unit: "A" };
}

export function voltage(locale: string, volts: number): Quantity {
  return { value: decimal(locale, volts, 0), unit: "V" };
}

export function percent(locale: string, value: number): Quantity {
  return { value: decimal(locale, value, 0), unit: "%" };
}

/** "6.1 kW", with a no-break space so that a number never loses its unit at the end of a line. */
export function text(quantity: Quantity): string {
  return `${quantity.value}\u00a0${quantity.unit}`;
}

/** A register reading in watt hours, every digit of it. */
export function register(locale: string, wattHours: bigint): string {
  return `${numbers(locale).format(wattHours)}\u00a0Wh`;
}
