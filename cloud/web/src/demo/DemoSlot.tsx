import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { account } from "../state/app";
// Here and not with the buttons: a style sheet that cannot be fetched later is an error that nobody can catch.
import "./acts.css";

function Nothing(): null {
  return null;
}

/** Room for the demo's buttons. Their code is fetched only where a demo runs. */
export function DemoSlot(): JSX.Element | null {
  const demo = account.value.status === "signed-in" && account.value.principal.demo;
  const [Acts, show] = useState<ComponentType | null>(null);
  useEffect(() => {
    if (!demo) return;
    // Without a connection there is nothing to direct either; the buttons come with the next visit of the page.
    import("./Acts").then(
      (loaded) => show(() => loaded.Acts),
      () => show(() => Nothing),
    );
  }, [demo]);
  if (!demo) return null;
  // Room for the buttons that are about to come: nothing below them jumps.
  return Acts ? <Acts /> : <div class="acts acts-room" aria-hidden="true" />;
}
