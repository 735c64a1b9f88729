/** A value that one call fetches: loading, there, or failed with a sentence. */

import { useEffect, useState } from "preact/hooks";
import { explain, isSignedOut } from "../api/errors";
import { t } from "../i18n";
import { signedOut } from "./app";

export type Loaded<T> =
  | { readonly status: "loading" }
  | { readonly status: "ready"; readonly value: T }
  | { readonly status: "failed"; readonly sentence: string };

/** Fetch when `key` changes; the returned function fetches again. */
export function useLoaded<T>(key: string, fetch: () => Promise<T>): [Loaded<T>, () => void] {
  const [loaded, setLoaded] = useState<Loaded<T>>({ status: "loading" });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let current = true;
    setLoaded((before) => (attempt && before.status === "ready" ? before : { status: "loading" }));
    fetch().then(
      (value) => current && setLoaded({ status: "ready", value }),
      (error: unknown) => {
        if (!current) return;
        if (isSignedOut(error)) signedOut("ended");
        else setLoaded({ status: "failed", sentence: explain(error, t) });
      },
    );
    return () => {
      current = false;
    };
  }, [key, attempt]);
  return [loaded, () => setAttempt((count) => count + 1)];
}
