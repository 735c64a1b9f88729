import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { placeOf, type Offer } from "../domain/find";
import { availabilityKey } from "../domain/offerWords";
import { t } from "../i18n";
import { TOWNS } from "../map/places";
import { onScreen, project, scaleBar, type Point, type Size, type View } from "../map/project";
import { dragging, useMapView } from "../map/useMapView";
import { locale } from "../i18n";

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
  const words = km >= 1 ? `${new Intl.NumberFormat(locale()).format(km)} km` : `${Math.round(km * 1000)} m`;
  return (
    <p class="map-scale" style={{ width: `${pixels}px` }} aria-hidden="true">
      {words}
    </p>
  );
}

interface MarkerProps {
  readonly one: Offer;
  readonly at: Point;
  readonly selected: boolean;
  select(): void;
}

function Marker({ one, at, selected, select }: MarkerProps): JSX.Element {
  const words = `${one.location.displayName}: ${t(availabilityKey(one.availability), { count: one.free })}`;
  return (
    <button
      type="button"
      class={`pin pin-${one.availability}${selected ? " pin-chosen" : ""}`}
      style={{ transform: `translate(${at.x}px, ${at.y}px)` }}
      aria-pressed={selected}
      aria-label={words}
      onClick={select}
    >
      <span>{one.availability === "free" ? one.free : ""}</span>
    </button>
  );
}

interface MapProps {
  readonly offers: readonly Offer[];
  readonly chosen: string;
  choose(name: string): void;
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

/** Stations where they stand. Drawn from what is in the page: no server sends tiles. */
export function MapView({ offers, chosen, choose }: MapProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const placed = offers.flatMap((one) => {
    const place = placeOf(one.location);
    return place ? [{ one, point: project(place) }] : [];
  });
  const map = useMapView(
    box,
    placed.map(({ point }) => point),
  );
  const { view, size } = map;
  return (
    <div class="map" ref={box} role="group" aria-label={t("map.title")} {...dragging(map)}>
      {size.width > 0 && (
        <>
          <Land view={view} size={size} />
          <Towns view={view} size={size} />
          {placed.map(({ one, point }) => (
            <Marker
              key={one.location.name}
              one={one}
              at={onScreen(point, view, size)}
              selected={one.location.name === chosen}
              select={() => choose(one.location.name)}
            />
          ))}
          <ScaleBar view={view} />
        </>
      )}
      <Buttons zoom={map.zoom} refit={map.refit} />
    </div>
  );
}
