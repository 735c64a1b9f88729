/** One sentence: why this power. */

import { LimitSource } from "../gen/powerctl/v1/common_pb";
import type { ConnectorLive } from "../gen/powerctl/v1/location_pb";
import { power, text } from "../format/quantity";
import { clock } from "../format/time";
import { fill, type Key, type Language } from "../i18n";
import { change, vehicleBinds } from "./change";
import { changeKey, whyKey } from "./words";

function bindingSource(live: ConnectorLive): LimitSource | undefined {
  return vehicleBinds(live) ? LimitSource.VEHICLE : live.reasons[0]?.source;
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

/** One sentence: what would change that power. Empty: nothing is known of it. */
export function changeSentence(live: ConnectorLive, locale: string, words: (key: Key) => string): string {
  const found = change(live);
  if (!found) return "";
  const parts = [words(changeKey(found.source))];
  if (found.at !== undefined) parts.push(fill(words("change.at"), { time: clock(locale, found.at) }));
  if (found.upToW !== undefined) parts.push(fill(words("change.upTo"), { power: text(power(locale, found.upToW)) }));
  return parts.join(" ");
}
