import type { JSX } from "preact";
import type { ConnectorView, Side } from "../domain/connector";
import { percent, power, text } from "../format/quantity";
import { locale, t } from "../i18n";
import type { StationProps } from "../pages/Station";
import { stateKey } from "../domain/words";

/** Cars stand mirrored beside the station; everything is drawn for the left one. */
const BODY = "M30 176v-36c0-10 5-17 14-20l12-4 13-27c4-8 11-13 20-13h56c9 0 16 5 20 13l13 27 12 4c9 3 14 10 14 20v36z";
const GLASS = "M72 116l10-21c2-4 5-6 9-6h52c4 0 7 2 9 6l10 21z";
const BODY_TOP = 76;
const BODY_BOTTOM = 176;
/** More than a meter's noise at rest. */
const FLOWING_W = 50;
const CABLE = "M287 128C268 196 238 206 204 152";

function Car({ view }: { readonly view: ConnectorView }): JSX.Element {
  const soc = view.live?.socPercent;
  const level = BODY_BOTTOM - ((BODY_BOTTOM - BODY_TOP) * Math.min(100, Math.max(0, soc ?? 0))) / 100;
  const clip = `soc-${view.side}`;
  return (
    <g class="car">
      <clipPath id={clip}>
        <path d={BODY} />
      </clipPath>
      <rect class="car-wheel" x="42" y="168" width="26" height="22" rx="6" />
      <rect class="car-wheel" x="166" y="168" width="26" height="22" rx="6" />
      <path class="car-body" d={BODY} />
      <rect class="car-level" clip-path={`url(#${clip})`} x="24" y={level} width="186" height={BODY_BOTTOM - level} />
      <path class="car-glass" d={GLASS} />
      <circle class="car-lamp" cx="52" cy="142" r="7" />
      <circle class="car-lamp" cx="182" cy="142" r="7" />
      <path class="car-line" d="M84 156h66" />
    </g>
  );
}

function flows(view: ConnectorView): boolean {
  return (view.live?.powerW ?? 0) > FLOWING_W;
}

function SideArt({ view }: { readonly view: ConnectorView }): JSX.Element {
  return (
    <g class={`side side-${view.side}`} transform={view.side === "right" ? "translate(640 0) scale(-1 1)" : undefined}>
      {view.pluggedIn ? <Car view={view} /> : <rect class="bay" x="34" y="84" width="166" height="102" rx="18" />}
      <path class="cable" d={view.pluggedIn ? CABLE : "M287 128c-22 8-24 52 0 48 12-2 10-24 0-34"} />
      {flows(view) && <path class="cable-flow" d={CABLE} />}
      {view.pluggedIn && <circle class="plug" cx="204" cy="152" r="8" />}
      <circle class="holster" cx="287" cy="128" r="7" />
    </g>
  );
}

/** Text is outside the mirrored drawing. */
function SideText({ view }: { readonly view: ConnectorView }): JSX.Element {
  const x = view.side === "left" ? 117 : 523;
  const soc = view.live?.socPercent;
  const main = view.energised ? text(power(locale(), view.live?.powerW ?? 0)) : t(stateKey(view.state));
  return (
    <g class={`scene-text scene-text-${view.side}`}>
      <text class="scene-main" x={x} y="40">
        {main}
      </text>
      <text class="scene-sub" x={x} y="64">
        {view.energised && soc !== undefined ? text(percent(locale(), soc)) : t(sideKey(view.side))}
      </text>
    </g>
  );
}

function sideKey(side: Side): "connector.left" | "connector.right" {
  return `connector.${side}`;
}

function Pulses({ side }: { readonly side: Side }): JSX.Element {
  return (
    <>
      <i class={`pulse side-${side}`} />
      <i class={`pulse later side-${side}`} />
    </>
  );
}

/** The station from the front with what stands beside it. The cards beside it say the same in words. */
export function Scene({ location, views }: StationProps): JSX.Element {
  const drawing = location.acPowerW !== undefined && location.acPowerW > FLOWING_W;
  return (
    <div class={location.online ? "scene-frame" : "scene-frame scene-off"}>
      <svg class="scene" viewBox="0 0 640 204" role="img" aria-label={t("scene.title")}>
        <path class="ground" d="M8 191h624" />
        <path class={drawing ? "grid-line drawing" : "grid-line"} d="M320 0v26" />
        <rect class="post" x="276" y="24" width="88" height="167" rx="14" />
        <rect class="post-screen" x="286" y="36" width="68" height="44" rx="7" />
        <text class="post-power" x="320" y="65">
          {location.acPowerW === undefined ? "–" : power(locale(), location.acPowerW).value}
        </text>
        <text class="post-unit" x="320" y="100">
          kW
        </text>
        <path class="post-line" d="M300 172h40" />
        {views.map((view) => (
          <SideArt key={view.side} view={view} />
        ))}
        {views.map((view) => (
          <SideText key={view.side} view={view} />
        ))}
      </svg>
      {location.online && views.filter(flows).map((view) => <Pulses key={view.side} side={view.side} />)}
    </div>
  );
}
