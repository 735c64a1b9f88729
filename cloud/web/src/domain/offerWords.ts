/** Words for what a station offers. */

import type { Key } from "../i18n";
import type { Availability } from "./find";

const WORDS: Record<Availability, Key> = {
  free: "offer.free",
  reserved: "offer.reserved",
  busy: "offer.busy",
  out: "offer.out",
  offline: "offer.offline",
};

export function availabilityKey(word: Availability): Key {
  return WORDS[word];
}
