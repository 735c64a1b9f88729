import { numbers } from "../format/intl";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { placeOf, type Offer } from "../domain/find";
import { t } from "../i18n";
import { clusters } from "../map/cluster";
import { TOWNS } from "../map/places";
import { onScreen, project, scaleBar, type Point, type Size, type View } from "../map/project";
import { dragging, useMapView, type MapWindow } from "../map/useMapView";
import { locale } from "../i18n";
import { Mark, type Pin } from "./MapMarkers";

const SCALE_BAR_PX = 110;
/** Labels farther outside the window than this are not drawn. */
const EDGE = 60;

function inside(at: Point, size: Size): boolean {
  return at.x > -EDGE && at.y > -EDGE && at.x < size.width + EDGE && at.y < size.height + EDGE;
}

/** The coast comes when the map is first looked at; until then there is only water and what floats on it. */
function useLand(): string {
  const [path, setPath] = useState("");
  useEffect(() => {
    let current = true;
    import("../map/land").then(
      (land) => current && setPath(land.default()),
      // Offline before it was ever loaded: the stations are where they are without it.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, []);
  return path;
}

/** As `UNITS` of the land's path. */
const UNITS = 100_000;

function Land({ view, size }: { readonly view: View; readonly size: Size }): JSX.Element {
  const path = useLand();
  const scale = view.scale / UNITS;
  const origin = onScreen({ x: 0, y: 0 }, view, size);
  return (
    <svg class="map-land" width={size.width} height={size.height} aria-hidden="true">
      {path && <path d={path} transform={`translate(${origin.x} ${origin.y}) scale(${scale})`} />}
    </svg>
  );
}

function Towns({ view, size }: { readonly view: View; readonly size: Size }): JSX.Element {
  const shown = TOWNS.filter((town) => town.from <= view.scale)
    .map((town) => ({ town, at: onScreen(project(town), view, size) }))
    .filter(({ at }) => inside(at, size));
  return (
    <div class="map-towns" aria-hidden="true">
      {shown.map(({ town, at }) => (
        <span key={town.name} style={{ transform: `translate(${at.x}px, ${at.y}px)` }}>
          {town.name}
        </span>
      ))}
    </div>
  );
}

function ScaleBar({ view }: { readonly view: View }): JSX.Element {
  const { km, pixels } = scaleBar(view, SCALE_BAR_PX);
  const words = km >= 1 ? `${numbers(locale()).format(km)} km` : `${Math.round(km * 1000)} m`;
  return (
    <p class="map-scale" style={{ width: `${pixels}px` }} aria-hidden="true">
      {words}
    </p>
  );
}

interface MapProps {
  readonly offers: readonly Offer[];
  readonly chosen: readonly string[];
  choose(names: readonly string[]): void;
}

/** What a screen reader is told of the window after it has changed. */
function Shown({ pins, map }: { readonly pins: readonly Pin[]; readonly map: MapWindow }): JSX.Element {
  const { view, size } = map;
  const count = pins.filter(({ point }) => seen(onScreen(point, view, size), size)).length;
  return (
    <p class="sr-only" role="status">
      {t("map.shown", { count, total: pins.length })}
    </p>
  );
}

function seen(at: Point, size: Size): boolean {
  return at.x >= 0 && at.y >= 0 && at.x <= size.width && at.y <= size.height;
}

function Buttons({ zoom, refit }: { zoom(factor: number): void; refit(): void }): JSX.Element {
  return (
    <div class="map-buttons">
      <button type="button" aria-label={t("map.nearer")} onClick={() => zoom(2)}>
        +
      </button>
      <button type="button" aria-label={t("map.farther")} onClick={() => zoom(0.5)}>
        −
      </button>
      <button type="button" aria-label={t("map.all")} onClick={refit}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4" />
        </svg>
      </button>
    </div>
  );
}

/** In an order of their own, so that markers do not regroup when the list is sorted anew. */
function pinned(offers: readonly Offer[]): Pin[] {
  const pins = offers.flatMap((one) => {
    const place = placeOf(one.location);
    return place ? [{ one, point: project(place) }] : [];
  });
  return pins.sort((a, b) => (a.one.location.name < b.one.location.name ? -1 : 1));
}

/** Stations where they stand. Drawn from what is in the page: no server sends tiles. */
export function MapView({ offers, chosen, choose }: MapProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const pins = pinned(offers);
  const map = useMapView(
    box,
    pins.map(({ point }) => point),
  );
  const { view, size } = map;
  const landing = useRef("");
  useEffect(() => {
    // The marker that was pressed is gone; who came by keyboard goes on from one that took its place.
    if (!landing.current) return;
    const next = box.current!.querySelector<HTMLElement>(`[data-first="${CSS.escape(landing.current)}"]`);
    landing.current = "";
    next?.focus({ preventScroll: true });
  });
  const open = (members: readonly Pin[]): void => {
    landing.current = members[0]!.one.location.name;
    if (!map.near(members.map(({ point }) => point))) choose(members.map(({ one }) => one.location.name));
  };
  return (
    <div class="map" ref={box} role="group" aria-label={t("map.title")} {...dragging(map)}>
      {size.width > 0 && (
        <>
          <Land view={view} size={size} />
          <Towns view={view} size={size} />
          {clusters(pins, view.scale).map(({ point, members }) => (
            <Mark
              key={members[0]!.one.location.name}
              members={members}
              at={onScreen(point, view, size)}
              chosen={chosen}
              choose={choose}
              open={() => open(members)}
            />
          ))}
          <Shown pins={pins} map={map} />
          <ScaleBar view={view} />
        </>
      )}
      <Buttons zoom={map.zoom} refit={map.refit} />
    </div>
  );
}
