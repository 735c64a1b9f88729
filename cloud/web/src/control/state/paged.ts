/** A list that comes page by page. */

import { useEffect, useState } from "preact/hooks";
import { explain, isSignedOut } from "../../api/errors";
import { t } from "../../i18n";
import { signedOut } from "../../state/app";

export interface Page<T> {
  readonly items: readonly T[];
  /** Empty: that is all. */
  readonly next: string;
}

export interface Paged<T> {
  /** Undefined: nothing has come yet. */
  readonly items: readonly T[] | undefined;
  readonly next: string;
  readonly failure: string;
  readonly busy: boolean;
  more(): void;
  again(): void;
}

/** The first page when `key` changes; `more` adds the next one. */
export function usePaged<T>(key: string, fetch: (token: string) => Promise<Page<T>>): Paged<T> {
  const [page, setPage] = useState<Page<T>>();
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const read = (token: string, before: readonly T[], current: () => boolean): void => {
    setBusy(true);
    setFailure("");
    fetch(token)
      .then(
        ({ items, next }) => current() && setPage({ items: [...before, ...items], next }),
        (error: unknown) => {
          if (!current()) return;
          if (isSignedOut(error)) signedOut("ended");
          else setFailure(explain(error, t));
        },
      )
      .finally(() => setBusy(false));
  };
  useEffect(() => {
    let current = true;
    read("", [], () => current);
    return () => {
      current = false;
    };
  }, [key, attempt]);
  return {
    items: page?.items,
    next: page?.next ?? "",
    failure,
    busy,
    more: () => read(page?.next ?? "", page?.items ?? [], () => true),
    again: () => setAttempt((count) => count + 1),
  };
}

/** Every page of a list, at most `most` of them: for lists that people sort and search as a whole. */
export async function everything<T>(fetch: (token: string) => Promise<Page<T>>, most = 50): Promise<readonly T[]> {
  const found: T[] = [];
  let token = "";
  for (let count = 0; count < most; count++) {
    const { items, next } = await fetch(token);
    found.push(...items);
    if (!next) break;
    token = next;
  }
  return found;
}
