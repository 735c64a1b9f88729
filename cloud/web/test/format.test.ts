import { describe, expect, test } from "vitest";
import { decimalText, money, price } from "../src/format/money";
import { energy, power, register, text } from "../src/format/quantity";
import { clock, duration, milliseconds, moment } from "../src/format/time";

const euros = (units: bigint, nanos = 0) => ({ currencyCode: "EUR", units, nanos });

describe("money", () => {
  test("is exact where a float is not", () => {
    expect(decimalText(euros(9007199254740993n, 10_000_000))).toBe("9007199254740993.01");
    expect(money("en-GB", euros(9007199254740993n, 10_000_000))).toBe("€9,007,199,254,740,993.01");
  });

  test("keeps the sign when the whole part is zero", () => {
    expect(decimalText(euros(0n, -250_000_000))).toBe("-0.25");
  });

  test("shows the minor unit of its currency, and a price finer than that", () => {
    expect(money("en-GB", { currencyCode: "JPY", units: 300n, nanos: 0 })).toBe("JP¥300");
    expect(money("en-GB", euros(3n))).toBe("€3.00");
    expect(price("en-GB", euros(0n, 295_500_000))).toBe("€0.2955");
  });

  test("says nothing without a currency", () => {
    expect(money("en-GB", { currencyCode: "", units: 0n, nanos: 0 })).toBe("");
  });
});

describe("quantities", () => {
  test("power is in kilowatts with one decimal and never minus zero", () => {
    expect(power("en-GB", 4230).value).toBe("4.2");
    expect(power("en-GB", -20).value).toBe("0.0");
    expect(power("fi-FI", 4230).value).toBe("4,2");
  });

  test("energy changes its unit at a kilowatt hour", () => {
    expect(text(energy("en-GB", 999))).toBe("999\u00a0Wh");
    expect(text(energy("en-GB", 1000n))).toBe("1.00\u00a0kWh");
  });

  test("a register shows every digit", () => {
    expect(register("en-GB", 12_345_678n)).toBe("12,345,678\u00a0Wh");
  });
});

describe("time", () => {
  test("a timestamp becomes milliseconds", () => {
    expect(milliseconds({ seconds: 2n, nanos: 345_600_000 })).toBe(2346);
  });

  test.each([
    [-1, "0\u00a0s"],
    [59.9, "59\u00a0s"],
    [60, "1\u00a0min"],
    [3900, "1\u00a0h 05\u00a0min"],
  ])("%d seconds read %s", (seconds, words) => {
    expect(duration(seconds)).toBe(words);
  });

  test("a moment of today loses its date", () => {
    const noon = new Date(2026, 10, 21, 12, 5).getTime();
    expect(moment("en-GB", noon, noon + 3_600_000)).toBe(clock("en-GB", noon));
    expect(moment("en-GB", noon, noon + 48 * 3_600_000)).toContain("21 Nov 2026");
  });
});
