import type { JSX } from "preact";
import { live } from "../state/app";
import { Find } from "./Find";
import { StationPage } from "./Station";

/** One station is its own home; several are found on the map. */
export function Home(): JSX.Element {
  const [only, ...more] = live.value.locations.values();
  return only && !more.length ? <StationPage name={only.name} /> : <Find />;
}
