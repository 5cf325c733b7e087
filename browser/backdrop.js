// What is behind something else: as reggan_plugin/imaging/in_front_and_behind.py does it.

import { plane, reduceBy } from "./resampling.js";

const [EDGE, LONGEST_PX] = [0.07, 1024];

/** How little of a pixel's colour is of use for what is behind: 1 where anything is before. */
const hidden = (front) => Math.min(1, Math.max(0, front) / EDGE);

/** Sums of squares of two by two pixels; beyond the border is nothing. */
function summed({ width, height, data }) {
  const result = plane((width + 1) >> 1, (height + 1) >> 1);
  data.forEach((value, i) => (result.data[(Math.floor(i / width) >> 1) * result.width + ((i % width) >> 1)] += value));
  return result;
}

/** Planes premultiplied by `weight`, and what runs on beneath them: from half the resolution, in
 * straight lines between the middles of its pixels. As reggan_plugin/kernels/fill_unknown.c has it. */
function fill(colours, weight) {
  const { width, height } = weight;
  if (Math.max(width, height) <= 2) {
    const total = ({ data }) => data.reduce((sum, value) => sum + value, 0);
    return colours.map((one) => ({ ...one, data: one.data.map((value, i) =>
      value + (1 - weight.data[i]) * total(one) / Math.max(total(weight), 1e-6)) }));
  }
  const totals = summed(weight);
  const low = { ...totals, data: totals.data.map((value) => Math.min(value, 1)) };
  const share = { ...low, data: low.data.map((value, i) => value / Math.max(totals.data[i], 1e-6)) };
  const coarse = fill(colours.map((one) => times(summed(one), share)), low);
  const beside = (at, length) => Math.min(length - 1, Math.max(0, (at >> 1) + (at % 2 ? 1 : -1)));
  return colours.map((one, channel) => ({ ...one, data: one.data.map((value, i) => {
    const lack = 1 - weight.data[i];
    if (!(lack > 0)) return value;
    const [x, y] = [i % width, Math.floor(i / width)];
    const { data } = coarse[channel];
    const [here, other] = [x >> 1, beside(x, low.width)];
    const mixed = (row) => 0.75 * data[row * low.width + here] + 0.25 * data[row * low.width + other];
    return value + lack * (0.75 * mixed(y >> 1) + 0.25 * mixed(beside(y, low.height)));
  }) }));
}

const times = (one, share) => ({ ...one, data: one.data.map((value, i) => value * share.data[i]) });

const shareOf = (front) => ({ ...front, data: front.data.map((value) => 1 - hidden(value)) });

/** Planes with what a front of their size hides filled with the colours around it. */
export const continued = (planes, front) => extended(planes, shareOf(front));

/** Planes that go on smoothly from where they are known, 0 to 1, to where they are not. */
export const extended = (planes, known) => fill(planes.map((one) => times(one, known)), known);

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
