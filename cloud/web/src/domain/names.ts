/** Resource names of the API, such as "locations/l/evses/e/connectors/c". */

/** The last segment: "sessions/abc" gives "abc"; an empty name gives "". */
export function lastSegment(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The location that a connector or EVSE belongs to: "locations/l". */
export function locationOf(name: string): string {
  return name.split("/").slice(0, 2).join("/");
}
