/** The coast as one path of the projected world, scaled so that SVG has digits enough. */

import { COAST, SCALE } from "./coast";
import { project } from "./project";

/** Path units for the world's width. */
export const UNITS = 100_000;

function ring(text: string): string {
  let x = 0;
  let y = 0;
  const numbers = text.split(",").map((word) => parseInt(word, 36));
  const points: string[] = [];
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    x += numbers[index]!;
    y += numbers[index + 1]!;
    const at = project({ longitude: x / SCALE, latitude: y / SCALE });
    points.push(`${(at.x * UNITS).toFixed(2)} ${(at.y * UNITS).toFixed(2)}`);
  }
  return `M${points.join("L")}Z`;
}

export default function land(): string {
  return COAST.split(";").map(ring).join("");
}
