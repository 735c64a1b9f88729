import { describe, expect, test } from "vitest";
import land, { UNITS } from "../src/map/land";
import { TOWNS } from "../src/map/places";
import { clusters } from "../src/map/cluster";
import { closer, dragged, fit, onScreen, project, scaleBar, zoomed } from "../src/map/project";

const PHONE = { width: 360, height: 300 };

describe("the map", () => {
  test("the projection is Web Mercator", () => {
    expect(project({ latitude: 0, longitude: 0 })).toEqual({ x: 0.5, y: 0.5 });
    // Helsinki in EPSG:3857 is 2 776 000 m east, 8 438 000 m north of a world 40 075 017 m wide.
    const helsinki = project({ latitude: 60.17, longitude: 24.94 });
    expect((helsinki.x - 0.5) * 40_075_017).toBeCloseTo(2_776_300, -4);
    expect((0.5 - helsinki.y) * 40_075_017).toBeCloseTo(8_438_000, -4);
  });

  test("everything is in the window", () => {
    const points = TOWNS.slice(0, 11).map(project);
    const view = fit(points, PHONE);
    for (const point of points) {
      const at = onScreen(point, view, PHONE);
      expect(at.x).toBeGreaterThan(0);
      expect(at.x).toBeLessThan(PHONE.width);
      expect(at.y).toBeGreaterThan(0);
      expect(at.y).toBeLessThan(PHONE.height);
    }
  });

  test("zooming keeps what is under the fingers, dragging moves by so many pixels", () => {
    const view = fit([project({ latitude: 60, longitude: 25 })], PHONE);
    const point = { x: view.x + 30 / view.scale, y: view.y };
    expect(onScreen(point, zoomed(view, 2, { x: 30, y: 0 }), PHONE).x).toBeCloseTo(PHONE.width / 2 + 30);
    expect(onScreen(point, dragged(view, 10, 0), PHONE).x).toBeCloseTo(PHONE.width / 2 + 40);
  });

  test("markers never cover each other, and none is lost", () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const places = Array.from({ length: 300 }, () => ({
      point: project({ latitude: 60 + 3 * random(), longitude: 22 + 5 * random() }),
    }));
    for (const scale of [2_000, 20_000, 70_000, 4_000_000]) {
      const made = clusters(places, scale);
      expect(made.flatMap(({ members }) => members)).toHaveLength(300);
      const apart = made.flatMap((a, index) =>
        made.slice(index + 1).map((b) => Math.hypot(a.point.x - b.point.x, a.point.y - b.point.y) * scale),
      );
      expect(Math.min(Infinity, ...apart)).toBeGreaterThanOrEqual(46);
    }
    expect(clusters(places, 2_000).length).toBeLessThan(30);
    expect(clusters(places, 40_000_000).length).toBeGreaterThan(290);
  });

  test("a marker of several leads nearer until they stand at one place", () => {
    const points = [24.9, 24.95, 25.1].map((longitude) => project({ latitude: 60.2, longitude }));
    const far = fit([...points, project({ latitude: 66, longitude: 27 })], PHONE);
    const near = closer(far, points, PHONE)!;
    expect(near.scale).toBeGreaterThan(far.scale);
    expect(
      clusters(
        points.map((point) => ({ point })),
        near.scale,
      ),
    ).toHaveLength(3);
    expect(closer(near, [points[0]!, points[0]!], PHONE)).toBeUndefined();
  });

  test("the scale bar is a round length that fits", () => {
    const { km, pixels } = scaleBar(fit([project({ latitude: 60, longitude: 25 })], PHONE), 110);
    expect([1, 2, 5]).toContain(km / 10 ** Math.floor(Math.log10(km)));
    expect(pixels).toBeLessThanOrEqual(110);
    expect(pixels).toBeGreaterThan(30);
  });

  test("the land holds Helsinki's coast and no point outside the world", () => {
    const path = land();
    const numbers = [...path.matchAll(/-?\d+\.\d+/g)].map(Number);
    expect(numbers.length).toBeGreaterThan(5_000);
    expect(Math.min(...numbers)).toBeGreaterThan(0);
    expect(Math.max(...numbers)).toBeLessThan(UNITS);
    const helsinki = project({ latitude: 60.16, longitude: 24.95 });
    const near = [...path.matchAll(/(\d+\.\d+) (\d+\.\d+)/g)].some(
      ([, x, y]) => Math.hypot(Number(x) / UNITS - helsinki.x, Number(y) / UNITS - helsinki.y) < 1e-4,
    );
    expect(near).toBe(true);
  });
});
