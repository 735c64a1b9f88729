import { describe, expect, it } from "vitest";
import { cheapest, hours } from "../src/domain/outlook";

const NOON = Date.UTC(2026, 10, 1, 12);

describe("prices of the hours to come", () => {
  it("begin with the hour that runs", () => {
    const told = hours([0.3, 0.1], NOON + 17 * 60_000);
    expect(told.map((hour) => hour.start)).toEqual([NOON, NOON + 3_600_000]);
  });

  it("stand as high as their share of the dearest one", () => {
    expect(hours([0.4, 0.1, -0.2], NOON).map((hour) => hour.height)).toEqual([1, 0.25, 0]);
  });

  it("have a cheapest hour, the first of equals", () => {
    expect(cheapest(hours([0.3, 0.1, 0.1], NOON))?.start).toBe(NOON + 3_600_000);
    expect(cheapest([])).toBeUndefined();
  });

  it("do not divide by nothing", () => {
    expect(hours([0, -0.1], NOON).map((hour) => hour.height)).toEqual([0, 0]);
  });
});
