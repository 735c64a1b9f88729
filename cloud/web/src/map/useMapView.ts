/** The window of the map: fitted to the stations until somebody moves it by hand, wheel, fingers or keys. */

import type { RefObject } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { closer, dragged, fit, zoomed, type Point, type Size, type View } from "./project";

export interface MapWindow {
  readonly view: View;
  readonly size: Size;
  zoom(factor: number, at?: Point): void;
  drag(dx: number, dy: number): void;
  /** Nearer, so that these are in the window; false where they cannot be told apart. */
  near(points: readonly Point[]): boolean;
  refit(): void;
}

const NO_SIZE: Size = { width: 0, height: 0 };
const KEY_STEP_PX = 60;

export function useMapView(box: RefObject<HTMLDivElement | null>, points: readonly Point[]): MapWindow {
  const [size, setSize] = useState(NO_SIZE);
  const [moved, setMoved] = useState<View | undefined>(undefined);
  useEffect(() => {
    const element = box.current!;
    const resized = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  const key = points.map(({ x, y }) => `${x} ${y}`).join();
  const fitted = useMemo(() => fit(points, size), [key, size]);
  const view = moved ?? fitted;
  const latest = useRef(view);
  latest.current = view;
  const zoom = (factor: number, at?: Point): void => setMoved(zoomed(latest.current, factor, at));
  useWheel(box, zoom);
  return {
    view,
    size,
    zoom,
    drag: (dx, dy) => setMoved(dragged(latest.current, dx, dy)),
    near: (within) => {
      const next = closer(latest.current, within, size);
      if (next) setMoved(next);
      return next !== undefined;
    },
    refit: () => setMoved(undefined),
  };
}

/** Zooms with Ctrl or a pinch on the touchpad only: a page must scroll past its map. */
function useWheel(box: RefObject<HTMLDivElement | null>, zoom: (factor: number, at?: Point) => void): void {
  const act = useRef(zoom);
  act.current = zoom;
  useEffect(() => {
    const element = box.current!;
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { left, top, width, height } = element.getBoundingClientRect();
      act.current(2 ** (-event.deltaY / 200), {
        x: event.clientX - left - width / 2,
        y: event.clientY - top - height / 2,
      });
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);
}

const STEPS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [KEY_STEP_PX, 0],
  ArrowRight: [-KEY_STEP_PX, 0],
  ArrowUp: [0, KEY_STEP_PX],
  ArrowDown: [0, -KEY_STEP_PX],
};

const ZOOMS: Readonly<Record<string, number>> = { "+": 2, "-": 0.5 };

interface Handlers {
  onPointerDown(event: PointerEvent): void;
  onPointerMove(event: PointerEvent): void;
  onPointerUp(event: PointerEvent): void;
  onPointerCancel(event: PointerEvent): void;
  onKeyDown(event: KeyboardEvent): void;
}

/** Where each finger is; shared by the handlers of one window because only one map is on a page. */
const fingers = new Map<number, Point>();

function spread(): number {
  const [a, b] = [...fingers.values()];
  return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
}

function onMove(event: PointerEvent, map: MapWindow): void {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const old = spread();
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (fingers.size === 1) map.drag(event.clientX - before.x, event.clientY - before.y);
  else if (old > 0) map.zoom(spread() / old);
}

export function dragging(map: MapWindow): Handlers {
  const lift = (event: PointerEvent): void => void fingers.delete(event.pointerId);
  return {
    onPointerDown: (event) => {
      if ((event.target as Element).closest("button")) return;
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    onPointerMove: (event) => onMove(event, map),
    onPointerUp: lift,
    onPointerCancel: lift,
    onKeyDown: (event) => {
      const zoom = ZOOMS[event.key];
      if (zoom && !event.ctrlKey && !event.metaKey) map.zoom(zoom);
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      map.drag(...step);
    },
  };
}
