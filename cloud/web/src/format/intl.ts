/** Formatters, each made once: making one takes many times as long as using it. */

const numbersMade = new Map<string, Intl.NumberFormat>();
const datesMade = new Map<string, Intl.DateTimeFormat>();

function kept<T>(made: Map<string, T>, key: string, make: () => T): T {
  const known = made.get(key);
  if (known) return known;
  const fresh = make();
  made.set(key, fresh);
  return fresh;
}

export function numbers(locale: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  const key = `${locale} ${JSON.stringify(options)}`;
  return kept(numbersMade, key, () => new Intl.NumberFormat(locale, options));
}

export function dates(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale} ${JSON.stringify(options)}`;
  return kept(datesMade, key, () => new Intl.DateTimeFormat(locale, options));
}
