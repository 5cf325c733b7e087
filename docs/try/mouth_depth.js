// The depth of a painted mouth: as reggan_plugin/answers/mouth_depth.py has it.

import { percentile } from "./percentile.js";

const [BRIGHTEST, TEETH, STEEPNESS, DARKEST, COVER_ENDS] = [0.95, 0.7, 1.3, 0.01, 0.75];
const LUMA = [0.2126, 0.7152, 0.0722];

/** Outputs by name, with painters whose dark is darker; `parts` are the painters' names. */
export function withDepth(outputs, parts) {
  const changed = parts.map((part) => [`${part}_paint`, deepened(outputs[`${part}_paint`], outputs[`${part}_cover`])]);
  return { ...outputs, ...Object.fromEntries(changed) };
}

function deepened({ dims, data }, cover) {
  const pixels = dims[2] * dims[3];
  const paint = data.map((value) => Math.min(1, Math.max(0, value)));
  const brightness = Float32Array.from({ length: pixels }, (_, i) =>
    LUMA.reduce((sum, factor, index) => sum + factor * paint[index * pixels + i], 0));
  const painted = brightness.filter((_, i) => cover.data[i] > COVER_ENDS);
  if (!painted.length) return { dims, data };
  const teeth = Math.max(TEETH * percentile(painted, BRIGHTEST), DARKEST);
  const share = brightness.map((value) => Math.min(1, Math.max(DARKEST, value / teeth)) ** (STEEPNESS - 1));
  return { dims, data: paint.map((value, i) => value * share[i % pixels]) };
}
