import { WINDOW_MS } from "../state/history";

export const SPAN_S = WINDOW_MS / 1000;

export interface Colours {
  readonly left: string;
  readonly leftFill: string;
  readonly right: string;
  readonly rightFill: string;
  readonly cap: string;
  readonly ink: string;
  readonly inkSoft: string;
  readonly line: string;
  readonly hatch: string;
  readonly surface: string;
}

const PROPERTIES: Record<keyof Colours, string> = {
  left: "--left",
  leftFill: "--left-fill",
  right: "--right",
  rightFill: "--right-fill",
  cap: "--cap",
  ink: "--ink-2",
  inkSoft: "--ink-3",
  line: "--line",
  hatch: "--hatch",
  surface: "--surface",
};

/** The style sheet's colours, so that the canvas follows the theme. */
export function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element);
  const read = (property: string): string => style.getPropertyValue(property).trim();
  return Object.fromEntries(
    Object.entries(PROPERTIES).map(([name, property]) => [name, read(property)]),
  ) as unknown as Colours;
}
