/** One sentence: why this power. */

import type { ConnectorLive } from "../gen/powerctl/v1/location_pb";
import { power, text } from "../format/quantity";
import { fill, type Key, type Language } from "../i18n";
import { whyKey } from "./words";

/**
 * The station's own sentence in English; in other languages one made of the binding limit.
 * Empty: nothing binds, there is nothing to say.
 */
export function whySentence(
  live: ConnectorLive,
  language: Language,
  locale: string,
  words: (key: Key) => string,
): string {
  const binding = live.reasons[0];
  if (language === "en" && live.why) return live.why;
  if (!binding) return live.why;
  const values = { power: text(power(locale, binding.limitW)), reason: words(whyKey(binding.source)) };
  return fill(words("why.format"), values);
}
