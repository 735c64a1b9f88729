/** One sentence: why this power. */

import { ConnectorState, LimitSource } from "../gen/powerctl/v1/common_pb";
import type { ConnectorLive } from "../gen/powerctl/v1/location_pb";
import { power, text } from "../format/quantity";
import { fill, type Key, type Language } from "../i18n";
import { whyKey } from "./words";

/** A vehicle that asks for less than this part of its limit is what binds (as in the cloud's own sentence). */
const FOLLOWS_ITS_LIMIT = 0.9;

function bindingSource(live: ConnectorLive): LimitSource | undefined {
  const asksForLess = live.targetW > 0 && live.targetW < live.limitW * FOLLOWS_ITS_LIMIT;
  if (asksForLess && live.state === ConnectorState.CHARGING) return LimitSource.VEHICLE;
  return live.reasons[0]?.source;
}

/**
 * The cloud's own sentence in English; in other languages one made of the binding limit.
 * Empty: nothing binds, there is nothing to say.
 */
export function whySentence(
  live: ConnectorLive,
  language: Language,
  locale: string,
  words: (key: Key) => string,
): string {
  const source = bindingSource(live);
  if (language === "en" && live.why) return live.why;
  if (source === undefined) return live.why;
  const values = { power: text(power(locale, live.powerW)), reason: words(whyKey(source)) };
  return fill(words("why.format"), values);
}
