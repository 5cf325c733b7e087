// A model's picture and mask as light where it changes little, and paint where it changes much.
// As answer_from_picture in reggan_plugin/change/model_sources.py does it.

import { gaussianBlur, largest, plane } from "./planes.js";

const [SMALL_CHANGE, LARGE_CHANGE, DARKEST] = [0.05, 0.2, 0.002];
const [COVER_BEGINS, COVER_ENDS] = [0.25, 0.75];
const clip = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));
const light = (v) => DARKEST + (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);

/** Outputs of a model that answers with motion; `before`: planes of what the model saw. */
export function answerFromPicture(before, { face, mask }) {
  const side = mask.dims[3];
  const [gain, paint] = [new Float32Array(3 * side ** 2), new Float32Array(3 * side ** 2)];
  const levels = plane(side, side);
  before.forEach(({ data }, channel) => data.forEach((was, i) => {
    const at = channel * side ** 2 + i;
    paint[at] = clip(was + clip(mask.data[i]) * (face.data[at] - was));
    gain[at] = Math.log(light(paint[at]) / light(was));
    levels.data[i] = Math.max(levels.data[i], Math.trunc(Math.abs(paint[at] - was) * 255 + 0.5));
  }));
  const share = side / 256;
  const spread = largest(levels, 2 * Math.max(1, Math.round(2 * share)) + 1);
  const cover = Float32Array.from(gaussianBlur(spread, 3 * share).data, (value) => {
    const large = (value / 255 - SMALL_CHANGE) / (LARGE_CHANGE - SMALL_CHANGE);
    return large > 0 ? COVER_BEGINS + (COVER_ENDS - COVER_BEGINS) * clip(large) : 0;
  });
  return {
    motion: { dims: [1, 2, 1, 1], data: new Float32Array(2) },
    gain: { dims: [1, 3, side, side], data: gain },
    cover: { dims: [1, 1, side, side], data: cover },
    paint: { dims: [1, 3, side, side], data: paint },
  };
}
