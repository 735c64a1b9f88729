/** A failed call as a sentence for a person. */

import { Code, ConnectError } from "@connectrpc/connect";
import { language, type Key } from "../i18n";

const OWN_WORDS: Partial<Record<Code, Key>> = {
  [Code.DeadlineExceeded]: "error.timeout",
  [Code.Canceled]: "error.timeout",
  [Code.Unauthenticated]: "error.signedOut",
};

/** Used where the server gave no sentence of its own, and before its English one in other languages. */
const GENERAL: Partial<Record<Code, Key>> = {
  [Code.InvalidArgument]: "error.invalid",
  [Code.PermissionDenied]: "error.denied",
  [Code.NotFound]: "error.notFound",
  [Code.AlreadyExists]: "error.exists",
  [Code.FailedPrecondition]: "error.notNow",
  [Code.ResourceExhausted]: "error.tooMuch",
  [Code.Unimplemented]: "error.unknownHere",
  [Code.Unavailable]: "error.network",
};

/** The request may not have reached the server, or its answer was lost: asking again is right. */
export function isLost(error: unknown): boolean {
  const known = ConnectError.from(error);
  return known.cause instanceof TypeError || known.code === Code.Unavailable || known.code === Code.DeadlineExceeded;
}

export function isSignedOut(error: unknown): boolean {
  return ConnectError.from(error).code === Code.Unauthenticated;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** What to show. The server's own sentence says most, in English; transport failures get ours. */
export function explain(error: unknown, words: (key: Key) => string): string {
  const known = ConnectError.from(error);
  if (known.cause instanceof TypeError) return words("error.network");
  const own = OWN_WORDS[known.code];
  if (own) return words(own);
  if (known.code !== Code.Internal && known.code !== Code.Unknown && known.rawMessage) {
    const general = GENERAL[known.code];
    const said = sentence(known.rawMessage);
    return language.value === "en" || !general ? said : `${words(general)} (${said})`;
  }
  return words(GENERAL[known.code] ?? "error.internal");
}
