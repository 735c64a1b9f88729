/** Names and orders of prices: what a tariff charges for, in the order in which drivers compare. */

import type { Money } from "../gen/powerctl/v1/common_pb";
import type { TariffSummary } from "../gen/powerctl/v1/location_pb";
import type { Key } from "../i18n";

export interface PriceRow {
  readonly name: Key;
  readonly price: Money;
  readonly unit: Key;
  /** When it is charged, in one sentence. */
  readonly note: Key;
}

/** Prices per kWh, per hour, per session, others: the order of the AFIR regulation, article 5. */
export function priceRows(tariff: TariffSummary): PriceRow[] {
  const rows: (Omit<PriceRow, "price"> & { price: Money | undefined })[] = [
    { name: "price.energy", price: tariff.energyPricePerKwh, unit: "price.perKwh", note: "price.energyNote" },
    { name: "price.time", price: tariff.timePricePerHour, unit: "price.perHour", note: "price.timeNote" },
    { name: "price.session", price: tariff.sessionFee, unit: "price.once", note: "price.sessionNote" },
    { name: "price.idle", price: tariff.idlePricePerHour, unit: "price.perHour", note: "price.idleNote" },
    {
      name: "price.reservation",
      price: tariff.reservationPricePerHour,
      unit: "price.perHour",
      note: "price.reservationNote",
    },
  ];
  return rows.filter((row): row is PriceRow => row.price !== undefined && row.price.currencyCode !== "");
}
