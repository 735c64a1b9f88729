import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { w } from "../i18n";

export interface Column<T> {
  readonly key: string;
  readonly title: string;
  /** What to sort by; a name: the server sorts by that; absent: the column does not sort. */
  readonly by?: ((row: T) => number | string) | string;
  readonly number?: boolean;
  /** The first press sorts downwards. */
  readonly downFirst?: boolean;
  cell(row: T): ComponentChildren;
}

export interface Order {
  readonly key: string;
  readonly down: boolean;
}

interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly first?: Order;
  /** So many rows are shown, the first of the order that is chosen. */
  readonly most?: number;
  /** Where the server sorts: told when another order is wanted. */
  ordered?(order: Order): void;
  id(row: T): string;
  tone?(row: T): string;
}

function sorted<T>(rows: readonly T[], columns: readonly Column<T>[], order: Order | undefined): readonly T[] {
  const by = columns.find((column) => column.key === order?.key)?.by;
  if (!order || typeof by !== "function") return rows;
  const compared = [...rows].sort((a, b) => {
    const [one, other] = [by(a), by(b)];
    return typeof one === "string" ? one.localeCompare(String(other)) : one - Number(other);
  });
  return order.down ? compared.reverse() : compared;
}

/** Rows that sort by a press on a column's head; on a phone each row is a card. */
export function Table<T>({
  label,
  columns,
  rows,
  first,
  most = rows.length,
  ordered,
  id,
  tone,
}: TableProps<T>): JSX.Element {
  const [order, setOrder] = useState(first);
  const flip = (key: string): void => {
    const first = columns.find((column) => column.key === key)?.downFirst ?? false;
    const next = { key, down: order?.key === key ? !order.down : first };
    setOrder(next);
    ordered?.(next);
  };
  return (
    <div class="table-box" role="group" aria-label={label} tabIndex={0}>
      <table class="dense">
        <thead>
          <tr>
            {columns.map((column) => (
              <HeadCell key={column.key} column={column} order={order} flip={flip} />
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted(rows, columns, order)
            .slice(0, most)
            .map((row) => (
              <tr key={id(row)} class={tone?.(row)}>
                {columns.map((column) => (
                  <td key={column.key} data-title={column.title} class={column.number ? "number" : undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
      {rows.length > most && <p class="small">{w("list.first", { most, count: rows.length })}</p>}
    </div>
  );
}

interface HeadCellProps<T> {
  readonly column: Column<T>;
  readonly order: Order | undefined;
  flip(key: string): void;
}

function HeadCell<T>({ column, order, flip }: HeadCellProps<T>): JSX.Element {
  const here = order?.key === column.key;
  const sort = here ? (order.down ? "descending" : "ascending") : undefined;
  const side = column.number ? "number" : undefined;
  if (!column.by) {
    return (
      <th scope="col" class={side}>
        {column.title || <span class="sr-only">{w("list.actions")}</span>}
      </th>
    );
  }
  return (
    <th scope="col" class={side} aria-sort={sort}>
      <button type="button" onClick={() => flip(column.key)}>
        {column.title}
        <span aria-hidden="true">{here ? (order.down ? "↓" : "↑") : ""}</span>
      </button>
    </th>
  );
}
