/** A value that is fetched again and again while somebody looks at it. */

import { useEffect } from "preact/hooks";
import { useLoaded, type Loaded } from "../../state/loaded";

/** Milliseconds; what people have to react to within a glance. */
export const SOON = 3_000;

/** As `useLoaded`, and anew every `everyMs` as long as the page is shown. */
export function usePolled<T>(key: string, fetch: () => Promise<T>, everyMs = SOON): [Loaded<T>, () => void] {
  const [loaded, again] = useLoaded(key, fetch);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") again();
    }, everyMs);
    return () => clearInterval(timer);
  }, [key, everyMs]);
  return [loaded, again];
}
