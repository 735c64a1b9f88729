import type { JSX } from "preact";
import type { Offer } from "../domain/find";
import { availabilityKey } from "../domain/offerWords";
import { t } from "../i18n";
import type { Placed } from "../map/cluster";
import type { Point } from "../map/project";

/** A station that has said where it stands. */
export interface Pin extends Placed {
  readonly one: Offer;
}

interface MarkerProps {
  readonly one: Offer;
  readonly at: Point;
  readonly selected: boolean;
  select(): void;
}

interface HeapProps {
  readonly members: readonly Pin[];
  readonly at: Point;
  readonly selected: boolean;
  open(): void;
}

/** Several stations under one marker: how many, and how many of them can be used now. */
function Heap({ members, at, selected, open }: HeapProps): JSX.Element {
  const free = members.filter(({ one }) => one.availability === "free").length;
  return (
    <button
      type="button"
      class={`pin heap ${free ? "pin-free" : "pin-busy"}${selected ? " pin-chosen" : ""}`}
      style={{ transform: `translate(${at.x}px, ${at.y}px)` }}
      aria-label={t("map.heap", { count: members.length, free })}
      data-first={members[0]!.one.location.name}
      onClick={open}
    >
      <span>{members.length}</span>
    </button>
  );
}

function Marker({ one, at, selected, select }: MarkerProps): JSX.Element {
  const words = `${one.location.displayName}: ${t(availabilityKey(one.availability), { count: one.free })}`;
  return (
    <button
      type="button"
      class={`pin pin-${one.availability}${selected ? " pin-chosen" : ""}`}
      style={{ transform: `translate(${at.x}px, ${at.y}px)` }}
      aria-pressed={selected}
      aria-label={words}
      data-first={one.location.name}
      onClick={select}
    >
      <span>{one.availability === "free" ? one.free : ""}</span>
    </button>
  );
}

interface MarkProps {
  readonly members: readonly Pin[];
  readonly at: Point;
  readonly chosen: readonly string[];
  choose(names: readonly string[]): void;
  open(): void;
}

/** One station, or several that would cover each other. */
export function Mark({ members, at, chosen, choose, open }: MarkProps): JSX.Element {
  const [{ one }] = members as readonly [Pin];
  const selected = members.some((member) => chosen.includes(member.one.location.name));
  return members.length > 1 ? (
    <Heap members={members} at={at} selected={selected} open={open} />
  ) : (
    <Marker one={one} at={at} selected={selected} select={() => choose([one.location.name])} />
  );
}
