/** What the cloud says by code, in the language in use: from the one catalogue that the cloud has its English from. */

import en from "../../../../words/en.json";
import fi from "../../../../words/fi.json";
import { language, locale } from "../../i18n";

const CATALOGUES: Readonly<Record<"en" | "fi", Readonly<Record<string, string>>>> = { en, fi };

type Values = Readonly<Record<string, string>>;

/** Whether the catalogue has this code's sentence, and every place of it a value. */
export function hasValues(code: string, values: Values): boolean {
  const places = (en as Readonly<Record<string, string>>)[code]?.matchAll(/\{(\w+)\}/g);
  return places !== undefined && [...places].every(([, name]) => values[name!] !== undefined);
}

function number(digits: string): string {
  const decimals = digits.split(".")[1]?.length ?? 0;
  return new Intl.NumberFormat(locale(), { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(
    Number(digits),
  );
}

function valueOf(given: string): string {
  const rest = given.slice(1);
  if (given.startsWith("@")) return CATALOGUES[language.value][rest] ?? rest;
  if (given.startsWith("#")) return number(rest);
  return given.startsWith("=") ? rest : given;
}

/** The sentence; places without a value are left out. Undefined: a code of a later version. */
export function said(code: string, values: Values = {}): string | undefined {
  const sentence = CATALOGUES[language.value][code];
  return sentence?.replace(/\{(\w+)\}/g, (_, name: string) => valueOf(values[name] ?? "")).trim();
}
