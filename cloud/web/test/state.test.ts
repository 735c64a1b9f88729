import { describe, expect, test } from "vitest";
import { ConnectorState, LimitSource } from "../src/gen/powerctl/v1/common_pb";
import { SessionState } from "../src/gen/powerctl/v1/session_pb";
import { ServerClock } from "../src/state/clock";
import { freshness } from "../src/state/freshness";
import { History, SPACING_MS, WINDOW_MS, type Sample } from "../src/state/history";
import { KEPT_SESSIONS, merge, mergeSession, newestFirst, NOTHING } from "../src/state/live";
import { sampleOf } from "../src/state/sample";
import { heartbeat, live, message, session, station } from "./make";

const sample = (time: number, more: Partial<Sample> = {}): Sample => ({
  time,
  cap: 22_000,
  ac: 9_000,
  left: 5_000,
  right: 3_000,
  leftLimit: 6_000,
  rightLimit: 4_000,
  source: "HARDWARE",
  ...more,
});

describe("merging the stream", () => {
  test("the newest value of a station replaces the one before", () => {
    const first = merge(NOTHING, message({ case: "location", value: station({ acPowerW: 1 }) }));
    const second = merge(first, message({ case: "location", value: station({ acPowerW: 2 }) }));
    expect([...second.locations.values()].map((location) => location.acPowerW)).toEqual([2]);
    expect(first.locations.get("locations/s")?.acPowerW).toBe(1);
  });

  test("a heartbeat changes nothing", () => {
    expect(merge(NOTHING, heartbeat())).toBe(NOTHING);
  });

  test("an older copy of a session changes nothing", () => {
    const active = session("sessions/1", SessionState.ACTIVE, {}, 2_000);
    const sessions = mergeSession(new Map(), active);
    expect(mergeSession(sessions, session("sessions/1", SessionState.PENDING, {}, 1_000))).toBe(sessions);
    expect(
      mergeSession(sessions, session("sessions/1", SessionState.COMPLETED, {}, 2_000)).get(active.name)?.state,
    ).toBe(SessionState.COMPLETED);
  });

  test("old sessions are forgotten before the map grows without end", () => {
    let sessions = mergeSession(new Map(), session("sessions/oldest", SessionState.COMPLETED, {}, 1));
    for (let n = 0; n < KEPT_SESSIONS; n++) {
      sessions = mergeSession(sessions, session(`sessions/${n}`, SessionState.COMPLETED, {}, 10 + n));
    }
    expect(sessions.size).toBe(KEPT_SESSIONS);
    expect(sessions.has("sessions/oldest")).toBe(false);
  });

  test("lists show the newest first", () => {
    const sessions = [session("sessions/a", 5, {}, 1_000), session("sessions/b", 5, {}, 2_000)];
    expect(newestFirst(sessions).map((one) => one.name)).toEqual(["sessions/b", "sessions/a"]);
  });
});

describe("history", () => {
  test("keeps the window and the one sample where the lines enter it", () => {
    const history = new History();
    for (let time = 0; time <= WINDOW_MS + 10_000; time += 1_000) history.add(sample(time));
    expect(history.samples[0]?.time).toBe(9_000);
  });

  test("a burst does not grow it", () => {
    const history = new History();
    for (let time = 0; time < 10_000; time += 5) history.add(sample(time));
    expect(history.samples.length).toBeLessThanOrEqual(10_000 / SPACING_MS + 3);
    expect(history.samples.at(-1)?.time).toBe(9_995);
  });

  test("drops what is older than the last sample", () => {
    const history = new History();
    history.add(sample(2_000));
    history.add(sample(1_000));
    expect(history.samples.map((one) => one.time)).toEqual([2_000]);
  });

  test("stacks right on left, in kilowatts and seconds", () => {
    const history = new History();
    history.add(sample(1_000));
    expect(history.columns()).toEqual([[1], [5], [8], [6], [10], [9], [22]]);
  });

  test("one connector without values does not hide the other", () => {
    const history = new History();
    history.add(sample(1_000, { right: null, rightLimit: null }));
    expect([history.columns()[2], history.columns()[4]]).toEqual([[5], [6]]);
  });

  test("a gap ends the lines once", () => {
    const history = new History();
    history.gap(500);
    history.add(sample(1_000));
    history.gap(2_000);
    history.gap(3_000);
    expect(history.columns()[6]).toEqual([22, null]);
  });

  test("a gap is kept even when it follows at once", () => {
    const history = new History();
    history.add(sample(1_000));
    history.gap(1_010);
    history.add(sample(1_020));
    expect(history.columns()[6]).toEqual([22, null, 22]);
  });

  test("names changes of the cap and of its source, also across a gap", () => {
    const history = new History();
    history.add(sample(1_000));
    history.add(sample(2_000, { cap: 4_200, source: "DSO" }));
    history.gap(3_000);
    history.add(sample(4_000, { cap: 4_200, source: "FAILSAFE" }));
    expect(history.capChanges()).toEqual([
      { time: 2_000, cap: 4_200, source: "DSO" },
      { time: 4_000, cap: 4_200, source: "FAILSAFE" },
    ]);
  });

  test("after a reload what was seen comes back, and the time between is unknown", () => {
    const before = new History();
    before.add(sample(1_000));
    before.add(sample(WINDOW_MS));
    const after = new History();
    after.restore(before.samples, WINDOW_MS + 5_000);
    expect(after.samples.map((one) => [one.time, one.cap])).toEqual([
      [WINDOW_MS, 22_000],
      [WINDOW_MS + 5_000, null],
    ]);
  });
});

describe("a sample", () => {
  test("shows what is granted to a vehicle, not the limit of an empty connector", () => {
    const location = station({
      capW: 4_200,
      acPowerW: 4_000,
      left: live(ConnectorState.CHARGING, 3_500, 3_700),
      right: live(ConnectorState.AVAILABLE, 0, 11_000),
    });
    expect(sampleOf(location, 7)).toEqual({
      time: 7,
      cap: 4_200,
      ac: 4_000,
      left: 3_500,
      right: 0,
      leftLimit: 3_700,
      rightLimit: 0,
      source: "DSO",
    });
  });

  test("what was never heard is not known, which is not zero", () => {
    expect(sampleOf(station(), 7)).toMatchObject({ cap: null, ac: null, left: null, rightLimit: null, source: "" });
    expect(LimitSource.DSO).toBe(7);
  });
});

describe("the server's clock", () => {
  test("is the device's before the first message", () => {
    expect(new ServerClock().at(5)).toBe(5);
  });

  test("is not misled by a slow message", () => {
    const clock = new ServerClock();
    clock.observe(100_000, 40_050);
    clock.observe(101_000, 43_000);
    expect(clock.at(50_000)).toBe(109_950);
  });

  test("follows when the device's clock is set", () => {
    const clock = new ServerClock();
    clock.observe(100_000, 0);
    for (let n = 0; n < 20; n++) clock.observe(101_000 + n, 101_000 + n);
    expect(clock.at(200_000)).toBe(200_000);
  });
});

test.each([
  [ConnectorState.CHARGING, 2_000, "fresh"],
  [ConnectorState.CHARGING, 5_000, "late"],
  [ConnectorState.CHARGING, 11_000, "stale"],
  [ConnectorState.AVAILABLE, 60_000, "fresh"],
  [ConnectorState.FINISHED, 100_000, "late"],
  [ConnectorState.AVAILABLE, 200_000, "stale"],
])("in state %d a value of %d ms is %s", (state, age, word) => {
  expect(freshness(state, age)).toBe(word);
});
