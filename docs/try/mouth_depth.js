// The depth of a painted mouth: as reggan_plugin/change/paint_colours.py has it.

import { percentile } from "./planes.js";

const [BRIGHTEST, TEETH, STEEPER, OPEN, DARKEST, COVER_ENDS] = [0.95, 0.7, 0.3, 0.01, 0.01, 0.75];
const LUMA = [0.2126, 0.7152, 0.0722];

/** Outputs by name, with a mouth whose dark is darker, if there is one. */
export function withDepth(outputs) {
  const { mouth_paint: paint, mouth_cover: cover } = outputs;
  return paint && paint.dims[3] === cover.dims[3] ? { ...outputs, mouth_paint: deepened(paint, cover.data) } : outputs;
}

function deepened({ dims, data }, cover) {
  const pixels = dims[2] * dims[3];
  const paint = data.map((value) => Math.min(1, Math.max(0, value)));
  const brightness = Float32Array.from({ length: pixels }, (_, i) =>
    LUMA.reduce((sum, factor, index) => sum + factor * paint[index * pixels + i], 0));
  const painted = brightness.filter((_, i) => cover[i] > COVER_ENDS);
  if (!painted.length) return { dims, data };
  const steeper = STEEPER * Math.min(1, painted.length / (OPEN * pixels));
  const teeth = Math.max(TEETH * percentile(painted, BRIGHTEST), DARKEST);
  const share = brightness.map((value) => Math.min(1, Math.max(DARKEST, value / teeth)) ** steeper);
  return { dims, data: paint.map((value, i) => value * share[i % pixels]) };
}
