import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { budget } from "../src/domain/budget";
import { connectorViews } from "../src/domain/connector";
import { lastSegment, locationOf } from "../src/domain/names";
import { whySentence } from "../src/domain/why";
import { sessionStateKey, sourceCode, sourceKey, stateKey, stopReasonKey, whyKey } from "../src/domain/words";
import { ConnectorState, LimitSchema, LimitSource, StopReason } from "../src/gen/powerctl/v1/common_pb";
import { ConnectorLiveSchema } from "../src/gen/powerctl/v1/location_pb";
import { SessionState } from "../src/gen/powerctl/v1/session_pb";
import { en } from "../src/i18n/en";
import { fi } from "../src/i18n/fi";
import { fill, preferred, type Key } from "../src/i18n";
import { LEFT, live, RIGHT, session, station } from "./make";

const none = new Map();

describe("connectors", () => {
  test("stand from left to right whatever their order", () => {
    const views = connectorViews(station({ positions: ["right", "left"] }), none);
    expect(views.map((view) => [view.side, view.name])).toEqual([
      ["left", RIGHT],
      ["right", LEFT],
    ]);
  });

  test("without positions the first is left", () => {
    expect(connectorViews(station({ positions: ["", ""] }), none).map((view) => view.name)).toEqual([LEFT, RIGHT]);
  });

  test.each([
    [ConnectorState.AVAILABLE, undefined, "none"],
    [ConnectorState.OCCUPIED, undefined, "start"],
    [ConnectorState.OCCUPIED, SessionState.PENDING, "starting"],
    [ConnectorState.STARTING, undefined, "starting"],
    [ConnectorState.CHARGING, undefined, "none"],
    [ConnectorState.CHARGING, SessionState.ACTIVE, "stop"],
    [ConnectorState.PAUSED, SessionState.ACTIVE, "stop"],
    [ConnectorState.CHARGING, SessionState.STOPPING, "stopping"],
    [ConnectorState.STOPPING, SessionState.ACTIVE, "stopping"],
    [ConnectorState.FINISHED, SessionState.COMPLETED, "none"],
  ])("in state %d with session %d the thing to do is %s", (state, sessionState, action) => {
    const own =
      sessionState && session("sessions/1", sessionState, { stoppable: sessionState === SessionState.ACTIVE });
    const sessions = new Map(own ? [[own.name, own]] : []);
    const [left] = connectorViews(station({ left: live(state, 0, 0, own ? own.name : "") }), sessions);
    expect(left?.action).toBe(action);
  });

  test("the answer to a start is believed before the station's next value names the session", () => {
    const pending = session("sessions/1", SessionState.PENDING);
    const [left, right] = connectorViews(
      station({ left: live(ConnectorState.OCCUPIED), right: live(ConnectorState.OCCUPIED) }),
      new Map([[pending.name, pending]]),
    );
    expect([left?.action, right?.action]).toEqual(["starting", "start"]);
  });
});

describe("the budget", () => {
  test("adds up to the rating", () => {
    const shares = budget(station({ capW: 12_000, acPowerW: 9_000 }), 5_000, 3_000)!;
    expect(shares).toMatchObject({ rating: 22_000, cap: 12_000, losses: 1_000, free: 3_000, withheld: 10_000 });
    expect(shares.left + shares.right + shares.losses + shares.free + shares.withheld).toBe(22_000);
  });

  test("has no negative part when more is drawn than allowed or than measured", () => {
    for (const shares of [
      budget(station({ capW: 4_000, acPowerW: 9_000 }), 5_000, 3_000)!,
      budget(station({ capW: 4_000, acPowerW: 1_000 }), 5_000, -10)!,
    ]) {
      expect(Object.values(shares).every((watts) => watts >= 0)).toBe(true);
    }
  });

  test("is unknown while the station has said nothing", () => {
    expect(budget(station(), 0, 0)).toBeUndefined();
  });
});

describe("why", () => {
  const binding = create(LimitSchema, { source: LimitSource.DSO, limitW: 4200 });
  const words = (dictionary: Record<Key, string>) => (key: Key) => dictionary[key];

  test("is the station's own sentence in English", () => {
    const value = create(ConnectorLiveSchema, { why: "Because.", reasons: [binding] });
    expect(whySentence(value, "en", "en-GB", words(en))).toBe("Because.");
  });

  test("is made of the binding limit in Finnish", () => {
    const value = create(ConnectorLiveSchema, { why: "Because.", powerW: 4120, reasons: [binding] });
    expect(whySentence(value, "fi", "fi-FI", words(fi))).toBe("4,1\u00a0kW: verkkoyhtiö rajoittaa asemaa.");
  });

  test("is the vehicle's wish when it asks for less than it may have", () => {
    const state = ConnectorState.CHARGING;
    const value = create(ConnectorLiveSchema, { state, powerW: 2000, targetW: 2000, limitW: 4200, reasons: [binding] });
    expect(whySentence(value, "fi", "fi-FI", words(fi))).toBe("2,0\u00a0kW: auto ei pyydä enempää.");
  });

  test("is empty when nothing binds", () => {
    expect(whySentence(create(ConnectorLiveSchema), "fi", "fi-FI", words(fi))).toBe("");
  });
});

describe("words", () => {
  const numbers = (enumeration: object): number[] => Object.values(enumeration).filter(Number.isInteger);

  test("every value of the wire has words, and no two sources share them", () => {
    const sources = numbers(LimitSource) as LimitSource[];
    expect(new Set(sources.map(sourceKey)).size).toBe(sources.length);
    const keys = [
      ...sources.flatMap((source) => [sourceKey(source), whyKey(source)]),
      ...(numbers(ConnectorState) as ConnectorState[]).map(stateKey),
      ...(numbers(SessionState) as SessionState[]).map(sessionStateKey),
      ...(numbers(StopReason) as StopReason[]).map(stopReasonKey),
    ];
    expect(keys.filter((key) => !(key in en))).toEqual([]);
  });

  test("each source's word is that of its code", () => {
    for (const source of numbers(LimitSource).slice(1) as LimitSource[]) {
      expect(sourceKey(source)).toBe(`source.${sourceCode(source).toLowerCase()}`);
    }
  });

  test("a value of a later version is unknown, not an error", () => {
    expect(sourceKey(99 as LimitSource)).toBe("source.unknown");
    expect(stateKey(99 as ConnectorState)).toBe("state.unknown");
  });

  test("both languages fill the same places", () => {
    const places = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
    for (const key of Object.keys(en) as Key[]) expect([key, places(fi[key])]).toEqual([key, places(en[key])]);
  });

  test("placeholders without a value stay visible", () => {
    expect(fill("{a} and {b}", { a: 1 })).toBe("1 and {b}");
  });

  test.each([
    ["fi", ["en-US"], "fi"],
    [null, ["sv-SE", "fi-FI"], "fi"],
    [null, ["de-DE"], "en"],
    ["xx", [], "en"],
  ] as const)("stored %s and browser %s give %s", (stored, browser, chosen) => {
    expect(preferred(stored, browser)).toBe(chosen);
  });
});

test("names are taken apart", () => {
  expect(lastSegment("sessions/abc")).toBe("abc");
  expect(lastSegment("")).toBe("");
  expect(locationOf(LEFT)).toBe("locations/s");
});
