import { signal } from "@preact/signals";
import { en, type Key } from "./en";
import { fi } from "./fi";

export type { Key } from "./en";
export type Language = "en" | "fi";

const DICTIONARIES: Record<Language, Record<Key, string>> = { en, fi };
/** British dates and numbers, which read the same across Europe. */
const LOCALES: Record<Language, string> = { en: "en-GB", fi: "fi-FI" };
const STORED = "powerctl.language";

export const LANGUAGES: readonly Language[] = ["en", "fi"];
export const language = signal<Language>("en");

/** The language that the person chose before, else the browser's, else English. */
export function preferred(stored: string | null, browser: readonly string[]): Language {
  const candidates = [stored ?? "", ...browser].map((tag) => tag.slice(0, 2).toLowerCase());
  return candidates.find((tag): tag is Language => tag === "en" || tag === "fi") ?? "en";
}

export function fill(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The words for `key` in the language in use; reading it subscribes to a change of language. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return fill(DICTIONARIES[language.value][key], values);
}

export function locale(): string {
  return LOCALES[language.value];
}

export function choose(next: Language): void {
  language.value = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // Private windows may refuse storage; the choice then lasts for this page.
  }
}

export function chooseAtStart(): void {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    // As above.
  }
  language.value = preferred(stored, navigator.languages);
  document.documentElement.lang = language.value;
}
