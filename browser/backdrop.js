// What is behind something else: as reggan_plugin/imaging/backdrop.py and in_front_of_face.py do it.

import { BILINEAR, reduceBy, resize } from "./planes.js";

const [EDGE, LONGEST_PX] = [0.07, 1024];

/** How little of a pixel's colour is of use for what is behind: 1 where anything is before. */
const hidden = (front) => Math.min(1, Math.max(0, front) / EDGE);

/** Planes premultiplied by `weight`, and what runs on beneath them from half the resolution. */
function fill(colours, weight) {
  const { width, height } = weight;
  if (Math.max(width, height) === 1) return colours.map((one) => divided(one, weight));
  const low = reduceBy(weight, 2);
  const sureness = { ...low, data: low.data.map((value) => Math.min(4 * value, 1)) };
  const weighted = colours.map((one) => times(divided(reduceBy(one, 2), low), sureness));
  return fill(weighted, sureness).map((one, index) => {
    const result = resize(one, width, height, BILINEAR);
    result.data.forEach((value, i) =>
      (result.data[i] = colours[index].data[i] + (1 - weight.data[i]) * value));
    return result;
  });
}

const divided = (one, weight) =>
  ({ ...one, data: one.data.map((value, i) => value / Math.max(weight.data[i], 1e-6)) });

const times = (one, share) => ({ ...one, data: one.data.map((value, i) => value * share.data[i]) });

const shareOf = (front) => ({ ...front, data: front.data.map((value) => 1 - hidden(value)) });

/** Planes with what a front of their size hides filled with the colours around it. */
export function continued(planes, front) {
  const share = shareOf(front);
  return fill(planes.map((one) => times(one, share)), share);
}

/** Planes laid over what runs on beneath a front of their size, at a resolution that bounds time. */
export function beneath(planes, front) {
  const { width, height } = front;
  const factor = Math.ceil(Math.max(width, height) / LONGEST_PX);
  const share = shareOf(front);
  const reduced = (one) => (factor > 1 ? reduceBy(one, factor) : one);
  const below = fill(planes.map((one) => reduced(times(one, share))), reduced(share));
  return planes.map((own, index) => ({ ...own, data: own.data.map((value, i) => {
    if (share.data[i] >= 1) return value;
    const under = at(below[index], i % width, Math.floor(i / width), factor);
    return under + share.data[i] * (value - under);
  }) }));
}

/** The colour at a pixel, in straight lines between the middles of blocks. */
function at({ width, height, data }, x, y, factor) {
  const [u, v] = [(x + 0.5) / factor - 0.5, (y + 0.5) / factor - 0.5];
  const [left, top] = [Math.floor(u), Math.floor(v)];
  const value = (column, row) =>
    data[Math.min(height - 1, Math.max(0, row)) * width + Math.min(width - 1, Math.max(0, column))];
  const along = (row) => value(left, row) + (u - left) * (value(left + 1, row) - value(left, row));
  return along(top) + (v - top) * (along(top + 1) - along(top));
}
