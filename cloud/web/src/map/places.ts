/** Towns by which a person finds their way on the map, the largest first. Degrees, to two places. */

import type { Place } from "../domain/find";

export interface Town extends Place {
  readonly name: string;
  /** Shown from this scale on, in pixels for the world's width. */
  readonly from: number;
}

const rows: readonly (readonly [name: string, latitude: number, longitude: number, from: number])[] = [
  ["Helsinki", 60.17, 24.94, 0],
  ["Stockholm", 59.33, 18.07, 0],
  ["Oslo", 59.91, 10.75, 0],
  ["København", 55.68, 12.57, 0],
  ["Berlin", 52.52, 13.4, 0],
  ["London", 51.51, -0.13, 0],
  ["Paris", 48.86, 2.35, 0],
  ["Madrid", 40.42, -3.7, 0],
  ["Roma", 41.9, 12.5, 0],
  ["Wien", 48.21, 16.37, 0],
  ["Warszawa", 52.23, 21.01, 0],
  ["Tallinn", 59.44, 24.75, 9_000],
  ["Rīga", 56.95, 24.11, 6_000],
  ["Tampere", 61.5, 23.76, 12_000],
  ["Turku", 60.45, 22.27, 12_000],
  ["Oulu", 65.01, 25.47, 8_000],
  ["Göteborg", 57.71, 11.97, 8_000],
  ["Rovaniemi", 66.5, 25.73, 12_000],
  ["Kuopio", 62.89, 27.68, 12_000],
  ["Vaasa", 63.1, 21.62, 16_000],
  ["Jyväskylä", 62.24, 25.75, 16_000],
  ["Lahti", 60.98, 25.66, 30_000],
  ["Lappeenranta", 61.06, 28.19, 24_000],
  ["Pori", 61.49, 21.8, 24_000],
  ["Kotka", 60.47, 26.95, 36_000],
  ["Hämeenlinna", 61.0, 24.46, 40_000],
  ["Porvoo", 60.39, 25.66, 44_000],
  ["Hanko", 59.82, 22.97, 40_000],
  ["Lohja", 60.25, 24.07, 60_000],
];

export const TOWNS: readonly Town[] = rows.map(([name, latitude, longitude, from]) => ({
  name,
  latitude,
  longitude,
  from,
}));
