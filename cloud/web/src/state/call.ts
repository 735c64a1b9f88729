/** One call at a time behind a button: whether it runs, and what went wrong with the last one. */

import { useState } from "preact/hooks";
import { explain } from "../api/errors";
import { t } from "../i18n";

export interface Call {
  readonly busy: boolean;
  /** A sentence; empty: nothing went wrong. */
  readonly failure: string;
  /** True when it succeeded. */
  run(act: () => Promise<unknown>): Promise<boolean>;
  clear(): void;
}

/** `words` makes a sentence of what was thrown. */
export function useCall(words: (error: unknown) => string = (error) => explain(error, t)): Call {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState("");
  const run = async (act: () => Promise<unknown>): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setFailure("");
    try {
      await act();
      return true;
    } catch (error) {
      setFailure(words(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, failure, run, clear: () => setFailure("") };
}
