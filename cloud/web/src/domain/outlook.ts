/** Prices from the grid, hour by hour, as a reader needs them: now, the cheapest hour ahead, and how high each stands. */

export interface Hour {
  /** Milliseconds since the epoch at which it begins. */
  readonly start: number;
  /** Per kilowatt hour. */
  readonly price: number;
  /** Of the dearest hour, 0 to 1; negative prices stand at 0. */
  readonly height: number;
}

const HOUR_MS = 3_600_000;

/** The hours from the one in which `now` lies; empty when no price is known. */
export function hours(prices: readonly number[], now: number): Hour[] {
  const first = Math.floor(now / HOUR_MS) * HOUR_MS;
  const top = Math.max(...prices, 0);
  return prices.map((price, index) => ({
    start: first + index * HOUR_MS,
    price,
    height: top > 0 ? Math.max(0, price) / top : 0,
  }));
}

/** The first of the cheapest hours. Undefined: there are none. */
export function cheapest(of: readonly Hour[]): Hour | undefined {
  return of.reduce<Hour | undefined>((best, hour) => (best && best.price <= hour.price ? best : hour), undefined);
}
