import { fill, language } from "../../i18n";
import { en } from "./en";
import { fi } from "./fi";

export type Word = keyof typeof en;

/** The control room's words in the language in use. */
export function w(key: Word, values: Readonly<Record<string, string | number>> = {}): string {
  return fill((language.value === "fi" ? fi : en)[key], values);
}
