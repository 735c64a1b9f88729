/** Pages live in the fragment: the server needs no rule for them, and they work from any static host. */

export type Route =
  | { readonly page: "home" }
  | { readonly page: "stations" }
  | { readonly page: "station"; readonly name: string }
  | { readonly page: "reserve" | "charge"; readonly connector: string }
  | { readonly page: "sessions" }
  | { readonly page: "session"; readonly name: string }
  | { readonly page: "reservation"; readonly name: string }
  | { readonly page: "receipt"; readonly name: string }
  | { readonly page: "account" }
  | { readonly page: "wallet" }
  | { readonly page: "inbox" }
  | { readonly page: "sign-in"; readonly token: string; readonly to: string }
  | { readonly page: "control"; readonly path: readonly string[] }
  | { readonly page: "unknown" };

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Pages without a name of a thing. */
const PLAIN: ReadonlySet<string> = new Set(["stations", "sessions", "account", "wallet", "inbox"]);

const NAMED: Readonly<Record<string, (id: string) => Route>> = {
  stations: (id) => ({ page: "station", name: `locations/${id}` }),
  sessions: (id) => ({ page: "session", name: `sessions/${id}` }),
  reservations: (id) => ({ page: "reservation", name: `reservations/${id}` }),
  receipts: (id) => ({ page: "receipt", name: `receipts/${id}` }),
};

/** "stations/l/e/c/charge": what to do at a connector. */
function atConnector(segments: readonly string[]): Route {
  const [page, location, evse, connector, verb] = segments;
  if (page !== "stations" || segments.length !== 5 || (verb !== "reserve" && verb !== "charge")) {
    return { page: "unknown" };
  }
  return { page: verb, connector: `locations/${location}/evses/${evse}/connectors/${connector}` };
}

/** "signin=TOKEN&to=/stations/s": whose link, and which page it opens. */
function signIn(path: string): Route {
  const [token = "", to = ""] = path.slice("signin=".length).split("&to=");
  return { page: "sign-in", token: decode(token), to: decode(to) };
}

export function parse(fragment: string): Route {
  const path = fragment.replace(/^#/, "");
  if (path.startsWith("signin=")) return signIn(path);
  // Behind the question mark stand a page's filters.
  const segments = path.split("?", 1)[0]!.split("/").filter(Boolean).map(decode);
  const [page = "", id = ""] = segments;
  if (!page) return { page: "home" };
  if (page === "operate" || page === "utility") return { page: "control", path: segments };
  if (segments.length === 1 && PLAIN.has(page)) return { page } as Route;
  if (segments.length === 2) return NAMED[page]?.(id) ?? { page: "unknown" };
  return atConnector(segments);
}

function idOf(name: string): string {
  return encodeURIComponent(name.slice(name.indexOf("/") + 1));
}

/** "locations/l/evses/e/connectors/c" as "stations/l/e/c". */
function connectorPath(connector: string): string {
  const ids = connector.split("/").filter((_, index) => index % 2 === 1);
  return ["stations", ...ids.map(encodeURIComponent)].join("/");
}

export const link = {
  home: "#/",
  stations: "#/stations",
  sessions: "#/sessions",
  account: "#/account",
  wallet: "#/wallet",
  inbox: "#/inbox",
  operate: "#/operate",
  utility: "#/utility",
  station: (name: string): string => `#/stations/${idOf(name)}`,
  session: (name: string): string => `#/sessions/${idOf(name)}`,
  reservation: (name: string): string => `#/reservations/${idOf(name)}`,
  receipt: (name: string): string => `#/receipts/${idOf(name)}`,
  reserve: (connector: string): string => `#/${connectorPath(connector)}/reserve`,
  charge: (connector: string): string => `#/${connectorPath(connector)}/charge`,
};

/** Show another page; with `replace` the way back does not lead through the present one. */
export function go(to: string, replace = false): void {
  if (replace) window.location.replace(to);
  else window.location.assign(to);
}
