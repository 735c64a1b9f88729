/** Pages live in the fragment: the server needs no rule for them, and they work from any static host. */

export type Route =
  | { readonly page: "home" }
  | { readonly page: "station"; readonly name: string }
  | { readonly page: "sessions" }
  | { readonly page: "receipt"; readonly name: string }
  | { readonly page: "sign-in"; readonly token: string }
  | { readonly page: "unknown" };

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parse(fragment: string): Route {
  const path = fragment.replace(/^#/, "");
  if (path.startsWith("signin=")) return { page: "sign-in", token: decode(path.slice("signin=".length)) };
  const [page = "", id = "", ...rest] = path.split("/").filter(Boolean).map(decode);
  if (rest.length) return { page: "unknown" };
  if (!page) return { page: "home" };
  if (page === "sessions" && !id) return { page: "sessions" };
  if (page === "stations" && id) return { page: "station", name: `locations/${id}` };
  if (page === "receipts" && id) return { page: "receipt", name: `receipts/${id}` };
  return { page: "unknown" };
}

function idOf(name: string): string {
  return encodeURIComponent(name.slice(name.indexOf("/") + 1));
}

export const link = {
  home: "#/",
  sessions: "#/sessions",
  station: (name: string): string => `#/stations/${idOf(name)}`,
  receipt: (name: string): string => `#/receipts/${idOf(name)}`,
};
