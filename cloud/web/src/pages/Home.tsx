import type { JSX } from "preact";
import { live, settled } from "../state/app";
import { Loading } from "../ui/Notice";
import { Find } from "./Find";
import { StationPage } from "./Station";

/** One station is its own home; several are found on the map. */
export function Home(): JSX.Element {
  if (live.value.locations.size && !settled.value) return <Loading />;
  const [only, ...more] = live.value.locations.values();
  return only && !more.length ? <StationPage name={only.name} /> : <Find />;
}
