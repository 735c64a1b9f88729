import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { change } from "../src/domain/change";
import {
  active,
  distanceKm,
  fromQuery,
  NO_FILTERS,
  offer,
  passes,
  sorted,
  toQuery,
  type Filters,
} from "../src/domain/find";
import { priceRows } from "../src/domain/money";
import { timeLeft } from "../src/domain/remaining";
import { changeSentence } from "../src/domain/why";
import { localInput, timestamp, wishWindow } from "../src/domain/window";
import { span } from "../src/format/time";
import { ConnectorState, ConnectorType, LimitSchema, LimitSource } from "../src/gen/powerctl/v1/common_pb";
import { ConnectorLiveSchema, TariffSummarySchema, type Location } from "../src/gen/powerctl/v1/location_pb";
import { en } from "../src/i18n/en";
import type { Key } from "../src/i18n";
import { live, station } from "./make";

const words = (key: Key): string => en[key];
const HELSINKI = { latitude: 60.17, longitude: 24.94 };

function at(name: string, latitude: number, longitude: number, left: ConnectorState, right: ConnectorState): Location {
  const made = station({ left: live(left), right: live(right) });
  return { ...made, name: `locations/${name}`, displayName: name, latitude, longitude, online: true };
}

const FREE = ConnectorState.AVAILABLE;
const BUSY = ConnectorState.CHARGING;
const BROKEN = ConnectorState.FAULTED;

describe("stations to choose from", () => {
  test.each([
    [FREE, BUSY, "free", 1],
    [FREE, FREE, "free", 2],
    [BUSY, BUSY, "busy", 0],
    [BROKEN, BUSY, "busy", 0],
    [BROKEN, BROKEN, "out", 0],
  ] as const)("connectors %d and %d are %s", (left, right, word, free) => {
    const one = offer(at("a", 60, 25, left, right), undefined);
    expect([one.availability, one.free, one.total]).toEqual([word, free, 2]);
  });

  test("an address keeps the filters, and nonsense in it none", () => {
    const chosen: Filters = { availableNow: true, types: [ConnectorType.CHADEMO], minPowerW: 22_000, maxPrice: 0.39 };
    expect(toQuery(chosen)).toBe("free=1&plug=chademo&kw=22&price=0.39");
    expect(fromQuery(toQuery(chosen))).toEqual(chosen);
    expect(toQuery(NO_FILTERS)).toBe("");
    expect(fromQuery("free=yes&plug=toString&plug=1&kw=-5&price=x")).toEqual(NO_FILTERS);
  });

  test("one that is offline offers nothing whatever its last values were", () => {
    const one = offer({ ...at("a", 60, 25, FREE, FREE), online: false }, undefined);
    expect([one.availability, one.free]).toEqual(["offline", 0]);
    expect(passes(one, { ...NO_FILTERS, availableNow: true })).toBe(false);
    expect(passes(one, NO_FILTERS)).toBe(true);
  });

  test("a connector kept for somebody else is not free; one kept for the caller is", () => {
    const kept = (reservedForCaller: boolean): Location => {
      const made = at("a", 60, 25, FREE, BUSY);
      const connector = made.evses[0]!.connectors[0]!;
      connector.reserveEndTime = timestamp(1_000_000) as never;
      connector.reservedForCaller = reservedForCaller;
      return made;
    };
    expect(offer(kept(false), undefined).availability).toBe("reserved");
    expect(offer(kept(true), undefined).availability).toBe("free");
  });

  test("conditions hold for one and the same connector", () => {
    const mixed = at("a", 60, 25, BUSY, FREE);
    mixed.evses[0]!.connectors[0]!.type = ConnectorType.CCS2;
    mixed.evses[1]!.connectors[0]!.type = ConnectorType.CHADEMO;
    const wanted = (types: ConnectorType[]): Filters => ({ ...NO_FILTERS, availableNow: true, types });
    expect(passes(offer(mixed, undefined), wanted([ConnectorType.CCS2]))).toBe(false);
    expect(passes(offer(mixed, undefined), wanted([ConnectorType.CHADEMO]))).toBe(true);
  });

  test("power and price are bounds; without a price nothing is promised", () => {
    const one = offer(at("a", 60, 25, FREE, FREE), undefined);
    expect(passes(one, { ...NO_FILTERS, minPowerW: one.maxPowerW })).toBe(true);
    expect(passes(one, { ...NO_FILTERS, minPowerW: one.maxPowerW + 1 })).toBe(false);
    const free = offer({ ...one.location, tariff: undefined } as unknown as Location, undefined);
    expect(passes(free, { ...NO_FILTERS, maxPrice: 1 })).toBe(false);
    expect(active({ ...NO_FILTERS, minPowerW: 1, types: [ConnectorType.CCS2] })).toBe(2);
  });

  test("the nearest comes first; without a position what can be used", () => {
    const [turku, porvoo] = [at("turku", 60.45, 22.27, FREE, FREE), at("porvoo", 60.39, 25.66, BUSY, BUSY)];
    const names = (from: typeof HELSINKI | undefined): string[] =>
      sorted([turku, porvoo].map((one) => offer(one, from))).map((one) => one.location.displayName);
    expect(names(HELSINKI)).toEqual(["porvoo", "turku"]);
    expect(names(undefined)).toEqual(["turku", "porvoo"]);
  });

  test("distances are those along the Earth", () => {
    // Helsinki to Turku, great circle: 150 km.
    expect(distanceKm(HELSINKI, { latitude: 60.45, longitude: 22.27 })).toBeCloseTo(150, -1);
    expect(distanceKm(HELSINKI, HELSINKI)).toBe(0);
  });
});

describe("time left", () => {
  const charging = (powerW: number, targetW: number, seconds: number) =>
    create(ConnectorLiveSchema, {
      state: ConnectorState.CHARGING,
      powerW,
      targetW,
      remainingDuration: { seconds: BigInt(seconds), nanos: 0 },
    });

  test("reaches from the vehicle's word to the power of now", () => {
    expect(timeLeft(charging(5_000, 10_000, 3600), 0)).toEqual({ low: 3600, high: 7200 });
  });

  test("is a range even at full power", () => {
    const range = timeLeft(charging(10_000, 10_000, 1000), 0)!;
    expect(range.low).toBeLessThanOrEqual(1000);
    expect(range.high).toBeGreaterThanOrEqual(1100);
  });

  test("the age of the word counts", () => {
    const [now, later] = [timeLeft(charging(9_000, 9_000, 3000), 0)!, timeLeft(charging(9_000, 9_000, 3000), 600_000)!];
    expect(later.low).toBeLessThan(now.low);
  });

  test("is not known without the vehicle's word, or while next to nothing flows", () => {
    expect(
      timeLeft(create(ConnectorLiveSchema, { state: ConnectorState.CHARGING, targetW: 9_000 }), 0),
    ).toBeUndefined();
    expect(timeLeft(charging(100, 9_000, 3000), 0)).toBeUndefined();
  });

  test.each([
    [2400, 3300, "40–55\u00a0min"],
    [60, 60, "1\u00a0min"],
    [2700, 5400, "45\u00a0min – 1\u00a0h 30\u00a0min"],
  ])("%d to %d seconds read %s", (low, high, text) => {
    expect(span(low, high)).toBe(text);
  });
});

describe("what would change the power", () => {
  const limit = (source: LimitSource, limitW: number) => create(LimitSchema, { source, limitW });
  const base = { state: ConnectorState.CHARGING, powerW: 3_600, limitW: 3_700, targetW: 20_000 };

  test("is the binding limit, up to the next one", () => {
    const reasons = [
      limit(LimitSource.DSO, 3_700),
      limit(LimitSource.CABLE, 9_000),
      limit(LimitSource.MODULES, 22_000),
    ];
    const found = create(ConnectorLiveSchema, { ...base, reasons });
    expect(change(found)).toEqual({ source: LimitSource.DSO, upToW: 9_000, at: undefined });
    expect(changeSentence(found, "en-GB", words)).toBe(
      "More comes when the grid operator lifts the limit. Then up to 9.0\u00a0kW.",
    );
  });

  test("never promises more than the vehicle asks for", () => {
    const reasons = [limit(LimitSource.DSO, 3_700), limit(LimitSource.MODULES, 22_000)];
    expect(change(create(ConnectorLiveSchema, { ...base, targetW: 6_000, reasons }))?.upToW).toBe(6_000);
  });

  test("promises nothing where the share was computed under the limit that would go", () => {
    const reasons = [limit(LimitSource.DSO, 3_700), limit(LimitSource.SHARE, 5_000)];
    expect(change(create(ConnectorLiveSchema, { ...base, reasons }))?.upToW).toBeUndefined();
  });

  test("promises nothing where the next limit is as low", () => {
    const reasons = [limit(LimitSource.DSO, 3_700), limit(LimitSource.SHARE, 3_700)];
    expect(change(create(ConnectorLiveSchema, { ...base, reasons }))?.upToW).toBeUndefined();
  });

  test("is the vehicle's own matter when it asks for less than it may have", () => {
    const reasons = [limit(LimitSource.DSO, 9_000)];
    const found = create(ConnectorLiveSchema, { ...base, limitW: 9_000, targetW: 2_000, reasons });
    expect(change(found)?.source).toBe(LimitSource.VEHICLE);
  });

  test("agrees with the cloud's own sentence about who binds", () => {
    const reasons = [limit(LimitSource.DSO, 2_500)];
    const held = { ...base, limitW: 2_500, targetW: 2_100, reasons };
    const grid = create(ConnectorLiveSchema, {
      ...held,
      why: "2.1 kW: the grid operator limits the station to 4.2 kW.",
    });
    expect(change(grid)?.source).toBe(LimitSource.DSO);
    const car = create(ConnectorLiveSchema, { ...held, why: "2.1 kW: the vehicle asks for no more." });
    expect(change(car)?.source).toBe(LimitSource.VEHICLE);
  });

  test("is nothing to say while nothing flows", () => {
    expect(change(create(ConnectorLiveSchema, { ...base, state: ConnectorState.STARTING }))).toBeUndefined();
  });
});

describe("prices", () => {
  const euros = (units: number) => ({ currencyCode: "EUR", units: BigInt(units), nanos: 0 });

  test("come in the order in which drivers compare, and only where something is charged", () => {
    const tariff = create(TariffSummarySchema, {
      energyPricePerKwh: euros(1),
      idlePricePerHour: euros(6),
      sessionFee: euros(2),
    });
    expect(priceRows(tariff).map((row) => row.name)).toEqual(["price.energy", "price.session", "price.idle"]);
  });
});

describe("windows of time", () => {
  const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);

  test("begin now, later, or when somebody says; never in the past", () => {
    expect(wishWindow({ start: "now", own: 0, hours: 1 }, NOW)).toEqual({ start: NOW, end: NOW + 3_600_000 });
    expect(wishWindow({ start: "half", own: 0, hours: 0.5 }, NOW).start).toBe(NOW + 1_800_000);
    expect(wishWindow({ start: "own", own: NOW - 1, hours: 1 }, NOW).start).toBe(NOW);
    expect(wishWindow({ start: "own", own: Number.NaN, hours: 1 }, NOW).start).toBe(NOW);
  });

  test("are written as the browser's field takes them, and as the wire does", () => {
    expect(new Date(localInput(NOW)).getTime()).toBe(NOW);
    expect(timestamp(1_500)).toEqual({ seconds: 1n, nanos: 500_000_000 });
  });
});
