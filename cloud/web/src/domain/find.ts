/** Stations as somebody looking for a charge sees them: what is free, what it gives, what it costs. Pure. */

import { ConnectorState, ConnectorType } from "../gen/powerctl/v1/common_pb";
import { EvseStatus, type Connector, type Location } from "../gen/powerctl/v1/location_pb";

export type Availability = "free" | "reserved" | "busy" | "out" | "offline";

export interface Offer {
  readonly location: Location;
  readonly availability: Availability;
  /** Connectors that anybody may use now. */
  readonly free: number;
  readonly total: number;
  readonly types: readonly ConnectorType[];
  /** Of the strongest connector, watts DC. */
  readonly maxPowerW: number;
  /** Kilometres from the person. Undefined: it is not known where one of the two is. */
  readonly distanceKm: number | undefined;
}

export interface Filters {
  readonly availableNow: boolean;
  /** Any of these; empty: all. */
  readonly types: readonly ConnectorType[];
  /** Watts DC; zero: any. */
  readonly minPowerW: number;
  /** Per kilowatt hour, in the currency of the tariff; zero: any. */
  readonly maxPrice: number;
}

export const NO_FILTERS: Filters = { availableNow: false, types: [], minPowerW: 0, maxPrice: 0 };

/** Filters as the query of an address; empty: none is set. */
export function toQuery(filters: Filters): string {
  const query = new URLSearchParams();
  if (filters.availableNow) query.set("free", "1");
  for (const type of filters.types) query.append("plug", ConnectorType[type].toLowerCase());
  if (filters.minPowerW) query.set("kw", String(filters.minPowerW / 1000));
  if (filters.maxPrice) query.set("price", String(filters.maxPrice));
  return query.toString();
}

/** The filters that an address names; what it says badly is left out. */
export function fromQuery(text: string): Filters {
  const query = new URLSearchParams(text);
  const number = (name: string): number => Math.max(0, Number(query.get(name)) || 0);
  const known = ConnectorType as unknown as Readonly<Record<string, ConnectorType | undefined>>;
  const types = query.getAll("plug").map((word) => known[word.toUpperCase()]);
  return {
    availableNow: query.get("free") === "1",
    types: types.filter((type): type is ConnectorType => typeof type === "number" && type > 0),
    minPowerW: number("kw") * 1000,
    maxPrice: number("price"),
  };
}

export interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

const EARTH_KM = 6371;

/** Along the great circle, by the haversine formula. Kilometres. */
export function distanceKm(a: Place, b: Place): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const half = (x: number, y: number): number => Math.sin(radians(x - y) / 2) ** 2;
  const h =
    half(a.latitude, b.latitude) +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * half(a.longitude, b.longitude);
  return 2 * EARTH_KM * Math.asin(Math.sqrt(h));
}

/** Where a station stands. Undefined: it has not said. */
export function placeOf(location: Location): Place | undefined {
  const { latitude, longitude } = location;
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };
}

interface Plug {
  readonly connector: Connector;
  readonly status: EvseStatus;
}

function plugs(location: Location): Plug[] {
  return location.evses.flatMap(({ status, connectors }) => connectors.map((connector) => ({ connector, status })));
}

/** Whether the caller may plug in now: nobody's, or kept for the caller. */
export function isFree(connector: Connector): boolean {
  const idle = connector.live?.state === ConnectorState.AVAILABLE;
  return idle && (connector.reserveEndTime === undefined || connector.reservedForCaller);
}

function availability(location: Location, all: readonly Plug[]): Availability {
  if (!location.online) return "offline";
  if (all.some(({ connector }) => isFree(connector))) return "free";
  if (all.some(({ connector }) => connector.reserveEndTime !== undefined)) return "reserved";
  const broken = ({ connector }: Plug): boolean => connector.live?.state === ConnectorState.FAULTED;
  return all.length > 0 && all.every(broken) ? "out" : "busy";
}

export function offer(location: Location, from: Place | undefined): Offer {
  const all = plugs(location);
  const place = placeOf(location);
  return {
    location,
    availability: availability(location, all),
    free: location.online ? all.filter(({ connector }) => isFree(connector)).length : 0,
    total: all.length,
    types: [...new Set(all.map(({ connector }) => connector.type))].sort(),
    maxPowerW: Math.max(0, ...all.map(({ connector }) => connector.maxPowerW)),
    distanceKm: from && place ? distanceKm(from, place) : undefined,
  };
}

function hasPlug({ location }: Offer, filters: Filters): boolean {
  return plugs(location).some(
    ({ connector }) =>
      (!filters.types.length || filters.types.includes(connector.type)) &&
      connector.maxPowerW >= filters.minPowerW &&
      (!filters.availableNow || (location.online && isFree(connector))),
  );
}

/** A price as a number to compare with; the amount to pay is never computed from it. */
export function comparablePrice(location: Location): number | undefined {
  const price = location.tariff?.energyPricePerKwh;
  return price && Number(price.units) + price.nanos / 1e9;
}

export function passes(one: Offer, filters: Filters): boolean {
  const price = comparablePrice(one.location);
  return hasPlug(one, filters) && (!filters.maxPrice || (price !== undefined && price <= filters.maxPrice));
}

/** Further than any place on Earth: where it is not known, it comes last. */
const FAR_KM = 30_000;
const ORDER: readonly Availability[] = ["free", "reserved", "busy", "out", "offline"];

/** The nearest first; without distances what can be used first, then by name. */
export function sorted(offers: readonly Offer[]): Offer[] {
  const rank = ({ availability: word }: Offer): number => ORDER.indexOf(word);
  return [...offers].sort(
    (a, b) =>
      (a.distanceKm ?? FAR_KM) - (b.distanceKm ?? FAR_KM) ||
      rank(a) - rank(b) ||
      a.location.displayName.localeCompare(b.location.displayName),
  );
}

export function active(filters: Filters): number {
  return (
    Number(filters.availableNow) + filters.types.length + Number(filters.minPowerW > 0) + Number(filters.maxPrice > 0)
  );
}
