import type { JSX } from "preact";
import { ConnectorType } from "../gen/powerctl/v1/common_pb";

function Chademo(): JSX.Element {
  return (
    <>
      <circle class="plug-shell" cx="80" cy="80" r="62" />
      <circle class="plug-hole" cx="54" cy="80" r="17" />
      <circle class="plug-hole" cx="106" cy="80" r="17" />
      <circle class="plug-pin" cx="80" cy="44" r="6" />
      <circle class="plug-pin" cx="66" cy="116" r="5" />
      <circle class="plug-pin" cx="80" cy="120" r="5" />
      <circle class="plug-pin" cx="94" cy="116" r="5" />
    </>
  );
}

function Ccs(): JSX.Element {
  return (
    <>
      <path
        class="plug-shell"
        d="M42 40a16 16 0 0 1 16-20h44a16 16 0 0 1 16 20v22a38 38 0 0 1-12 28h12a22 22 0 0 1 0 44H42a22 22 0 0 1 0-44h12a38 38 0 0 1-12-28z"
      />
      <circle class="plug-pin" cx="66" cy="36" r="5" />
      <circle class="plug-pin" cx="94" cy="36" r="5" />
      <circle class="plug-pin" cx="58" cy="56" r="7" />
      <circle class="plug-pin" cx="80" cy="56" r="7" />
      <circle class="plug-pin" cx="102" cy="56" r="7" />
      <circle class="plug-hole" cx="56" cy="112" r="14" />
      <circle class="plug-hole" cx="104" cy="112" r="14" />
    </>
  );
}

/** The connector as one sees it from the front, to compare with the car. */
export function PlugFace({ type }: { readonly type: ConnectorType }): JSX.Element {
  return (
    <svg class="plug-face" viewBox="0 0 160 160" aria-hidden="true">
      {type === ConnectorType.CCS2 ? <Ccs /> : <Chademo />}
    </svg>
  );
}
