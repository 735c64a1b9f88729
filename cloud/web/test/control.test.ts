import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, describe, expect, it, vi } from "vitest";
import { amount, typed } from "../src/control/domain/amount";
import { filterOf, waiting, worries } from "../src/control/domain/health";
import { compliance, demands, latency } from "../src/control/domain/signals";
import { en } from "../src/control/i18n/en";
import { fi } from "../src/control/i18n/fi";
import { hasValues, said } from "../src/control/i18n/said";
import { choose } from "../src/i18n";
import { slices } from "../src/control/state/limits";
import { LimitSource } from "../src/gen/powerctl/v1/common_pb";
import { HealthIssue } from "../src/gen/powerctl/v1/fleet_health_pb";
import { StationSchema } from "../src/gen/powerctl/v1/fleet_pb";
import { GridEventKind } from "../src/gen/powerctl/v1/uplink_pb";
import { StationGridEventSchema, type StationGridEvent } from "../src/gen/powerctl/v1/utility_pb";

vi.stubGlobal("document", { documentElement: {} });

const NOW = 1_800_000_000_000;
const { DSO, SCHEDULE, HARDWARE } = LimitSource;

function told(kind: GridEventKind, source: LimitSource, capW: number, atMs: number): StationGridEvent {
  const gridEvent = { kind, source, capW, eventTime: timestampFromMs(NOW + atMs) };
  return create(StationGridEventSchema, { station: "stations/s", gridEvent });
}

describe("limits", () => {
  it("are slices from the cap in force up to the rating, each of the source that withholds it", () => {
    const sources = [
      { source: HARDWARE, limitW: 22_000 },
      { source: SCHEDULE, limitW: 16_500 },
      { source: DSO, limitW: 11_000 },
    ];
    expect(slices(sources, 22_000)).toEqual([
      { source: DSO, from: 11_000, to: 16_500 },
      { source: SCHEDULE, from: 16_500, to: 22_000 },
    ]);
    expect(slices([{ source: HARDWARE, limitW: 22_000 }], 22_000)).toEqual([]);
  });
});

describe("demands", () => {
  it("know when they were asked, applied and met, whatever the order of their records", () => {
    const [demand] = demands([
      told(GridEventKind.COMPLIED, DSO, 4_200, 940),
      told(GridEventKind.RECEIVED, DSO, 4_200, 0),
      told(GridEventKind.APPLIED, DSO, 4_200, 210),
    ]);
    expect(demand && latency(demand)).toBe(0.94);
    expect(demand?.applied).toBe(NOW + 210);
  });

  it("that bind nothing are neither met nor missed", () => {
    const list = demands([
      told(GridEventKind.RECEIVED, DSO, 22_000, 0),
      told(GridEventKind.APPLIED, HARDWARE, 22_000, 100),
      told(GridEventKind.RECEIVED, DSO, 4_200, 5_000),
      told(GridEventKind.APPLIED, DSO, 4_200, 5_100),
    ]);
    expect(list.map((demand) => demand.slack)).toEqual([false, true]);
    expect(compliance(list)).toEqual({ asked: 1, met: 0, median: undefined, worst: undefined });
  });
});

describe("health", () => {
  it("takes the outbox of a station online as it was told, of another as it has become", () => {
    const reported = { healthTime: timestampFromMs(NOW - 500_000), outboxOldestTime: timestampFromMs(NOW - 505_000) };
    const online = create(StationSchema, { online: true, outboxRecords: 3n, ...reported });
    expect(waiting(online, NOW)).toBe(5_000);
    expect(waiting({ ...online, online: false }, NOW)).toBe(505_000);
  });

  it("has a word for every issue that the cloud knows", () => {
    const known = Object.values(HealthIssue).filter((issue) => typeof issue === "number" && issue > 0);
    const station = create(StationSchema, { healthIssues: known as HealthIssue[] });
    expect(worries(station)).toHaveLength(known.length);
    for (const worry of worries(station)) expect(en).toHaveProperty([`health.${worry}`]);
  });

  it("is asked for in words that cannot be taken for an operator", () => {
    expect(filterOf("", "all")).toBe("");
    expect(filterOf(' harbour OR "x\\ ', "worries")).toBe('"harbour" "OR" "x" health:*');
    expect(filterOf("", "offline")).toBe("health:OFFLINE");
  });
});

describe("words", () => {
  it("have the same placeholders in both languages", () => {
    const places = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const key of Object.keys(en) as (keyof typeof en)[]) expect(places(fi[key]), key).toEqual(places(en[key]));
  });
});

describe("what the cloud says by code", () => {
  afterEach(() => choose("en"));
  const date = { date: "2026-01-04" };

  it("is said in the language in use, values and numbers too", () => {
    const values = { kind: "@kind.applied", source: "@source.dso", cap: "#4.2" };
    expect(said("event.GridEvent", values)).toBe("The limit of the grid operator was applied: 4.2 kW.");
    choose("fi");
    expect(said("event.GridEvent", values)).toBe("Raja 4,2 kW (verkkoyhtiö): otettu käyttöön.");
    expect(said("event.SecurityEvent", { what: "=@odd", detail: "{what}" })).toBe("Tietoturva: @odd. {what}");
  });

  it("is left to the cloud where a later version says something else, or an earlier one kept no values", () => {
    expect(said("event.Nothing")).toBeUndefined();
    expect(hasValues("alarm.certificate_ends_soon.detail", {})).toBe(false);
    expect(hasValues("alarm.certificate_ends_soon.detail", date)).toBe(true);
    expect(hasValues("alarm.insulation.detail", {})).toBe(false);
  });
});

describe("amounts", () => {
  it("are read with a comma or a point, and to the last digit", () => {
    expect(amount("0,2955", "EUR")).toEqual({ currencyCode: "EUR", units: 0n, nanos: 295_500_000 });
    expect(typed({ currencyCode: "EUR", units: 6n, nanos: 0 })).toBe("6");
    expect(amount("6.5.1", "EUR")).toBeUndefined();
    expect(amount("-1", "EUR")).toBeUndefined();
  });
});
