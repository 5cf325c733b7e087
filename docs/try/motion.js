// A face that changes by motion, gain, cover and paint: the frame's own pixels move.
// As reggan_plugin/change/in_frame.py and imaging/composite_motion.py do it, for opaque sRGB pictures.

import { beneath } from "./backdrop.js";
import { withDepth } from "./mouth_depth.js";
import { inFaceColours } from "./paint_colours.js";
import { block, plane, reduceBy } from "./planes.js";
import { unfolded } from "./folds.js";

const [FULL_MOTION, FULL_GAIN, FULL_COVER, LEAST] = [0.002, 0.02, 0.02, 0.25];
const [COVER_BEGINS, COVER_ENDS] = [0.25, 0.75];
const [RIM, RAMP, PAINTER_EDGE] = [0.04, 0.04, 0.08];
const LARGEST = (2 - 2 ** -23) * 2 ** 127;  // of 32-bit floats
const WHOLE = 0.999;  // from here on a pixel is all front, and keeps its bits
const [SHARPNESS, PHASES, OVERSHOOT, FREE_FOOTPRINT, MOST_LEVELS] = [-0.75, 1024, 0.25, 1.5, 3];

const clip = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));
const smooth = (value) => clip(value) ** 2 * (3 - 2 * clip(value));
const fromSrgb = (v) => Math.sign(v) * (Math.abs(v) <= 0.04045
  ? Math.abs(v) / 12.92 : ((Math.abs(v) + 0.055) / 1.055) ** 2.4);
const toSrgb = (v) => Math.sign(v) * (Math.abs(v) <= 0.0031308
  ? Math.abs(v) * 12.92 : 1.055 * Math.abs(v) ** (1 / 2.4) - 0.055);

const WEIGHTS = Array.from({ length: 4 }, (_, tap) => Float64Array.from({ length: PHASES }, (_, p) => {
  const d = Math.abs(p / PHASES - (tap - 1));
  const a = SHARPNESS;
  return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((d - 5) * d + 8) * d * a - 4 * a;
}));

/** Channel `index` of an output [1, channels, n, n]. */
function channel({ dims, data }, index) {
  const cells = dims[3];
  return { width: cells, height: cells, data: data.slice(index * cells ** 2, (index + 1) * cells ** 2) };
}

function map(source, work) {
  return { ...source, data: Float32Array.from(source.data, work) };
}

/** Outputs whose values are all numbers: 0 where they were none, and no infinite ones. */
function finite(outputs) {
  const number = (value) => (Number.isNaN(value) ? 0 : clip(value, -LARGEST, LARGEST));
  return Object.fromEntries(Object.entries(outputs).map(([name, { dims, data }]) =>
    [name, { dims, data: data.map(number) }]));
}

/** The change of each pixel of a region: planes by name; `face`: the planes that were asked about. */
export function motionInFrame(answered, face, card, crop, region) {
  const isMended = card.contract !== 1;
  const outputs = isMended ? inFaceColours(withDepth(finite(answered)), face) : finite(answered);
  const painters = Object.entries(card.painters ?? {}).map(([part, square]) =>
    [square, channel(outputs[`${part}_cover`], 0)]);
  const motion = [0, 1].map((axis) => map(channel(outputs.motion, axis), (v) => clip(v, -1, 1)));
  const [mx, my] = isMended
    ? unfolded(motion, channel(outputs.cover, 0), painters, [COVER_BEGINS, COVER_ENDS]) : motion;
  const toFrame = (row) => map(mx, (_, i) =>
    crop.side * (crop.matrix[row] * mx.data[i] + crop.matrix[row + 1] * my.data[i]));
  const [right, down] = [0, 3].map((row) => crop.spread(toFrame(row), region));
  const gains = Array.from({ length: outputs.gain.dims[1] },
    (_, index) => crop.spread(channel(outputs.gain, index), region));
  const { cover, paint } = coverAndPaint(outputs, card, crop, region);
  const inside = insideRing(crop, region);
  const most = FULL_MOTION * crop.scale * crop.side;
  const weight = plane(region.width, region.height);
  for (let i = 0; i < weight.data.length; i++) {
    const gain = Math.max(...gains.map(({ data }) => Math.abs(data[i])));
    const full = Math.max(Math.hypot(right.data[i], down.data[i]) / most, gain / FULL_GAIN,
      Math.abs(cover.data[i]) / FULL_COVER);
    weight.data[i] = smooth((full * inside.data[i] - LEAST) / (1 - LEAST));
    const takes = inside.data[i] * weight.data[i];
    for (const { data } of [right, down, cover, ...gains]) data[i] *= takes;
  }
  return { right, down, gains, cover, paint, weight, footprint: footprint(mx, my, crop, region) };
}

function coverAndPaint(outputs, card, crop, region) {
  const cover = crop.spread(channel(outputs.cover, 0), region);
  const paint = [0, 1, 2].map((index) => crop.spread(channel(outputs.paint, index), region));
  for (const [part, square] of Object.entries(card.painters ?? {})) {
    const own = channel(outputs[`${part}_cover`], 0);
    const window = crop.window(square, own.width);
    const share = window.spread(softSquare(own.width), region);
    const blend = (under, values) => {
      const over = window.spread(values, region);
      under.data.forEach((value, i) => (under.data[i] += share.data[i] * (over.data[i] - value)));
    };
    blend(cover, own);
    paint.forEach((under, index) => blend(under, channel(outputs[`${part}_paint`], index)));
  }
  const steep = (v) => smooth((v - COVER_BEGINS) / (COVER_ENDS - COVER_BEGINS));
  return { cover: map(cover, steep), paint: paint.map((one) => map(one, (v) => clip(v))) };
}

function softSquare(side) {
  const result = plane(side, side);
  const along = Array.from({ length: side }, (_, i) =>
    smooth(Math.min((i + 0.5) / side, 1 - (i + 0.5) / side) / PAINTER_EDGE));
  result.data.forEach((_, i) => (result.data[i] = Math.min(along[i % side], along[Math.floor(i / side)])));
  return result;
}

/** 1 in a crop, 0 on its rim and outside of it. */
function insideRing(crop, { left, top, width, height }) {
  const [a, b, c, d, e, f] = crop.inverse().map((value) => value / crop.side);
  const result = plane(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [left + x + 0.5, top + y + 0.5];
      const [s, t] = [a * u + b * v + c, d * u + e * v + f];
      result.data[y * width + x] = smooth((Math.min(s, 1 - s, t, 1 - t) - RIM) / RAMP);
    }
  }
  return result;
}

/** Pixels of the source that a pixel stands for; null where the motion compresses little. */
function footprint(mx, my, crop, region) {
  const cells = mx.width;
  if (cells < 2) return null;
  const slope = ({ data }, x, y, dx, dy) => {
    const at = (u, v) => data[clip(v, 0, cells - 1) * cells + clip(u, 0, cells - 1)] * cells;
    const span = (dx ? x : y) % (cells - 1) === 0 ? 1 : 2;
    return (at(x + dx, y + dy) - at(x - dx, y - dy)) / span;
  };
  const larger = plane(cells, cells);
  for (let y = 0; y < cells; y++) {
    for (let x = 0; x < cells; x++) {
      const [xx, xy, yx, yy] = [slope(mx, x, y, 1, 0), slope(mx, x, y, 0, 1),
        slope(my, x, y, 1, 0), slope(my, x, y, 0, 1)];
      larger.data[y * cells + x] =
        (Math.hypot(2 + xx + yy, yx - xy) + Math.hypot(xx - yy, xy + yx)) / 2;
    }
  }
  if (larger.data.every((value) => value <= FREE_FOOTPRINT)) return null;
  return map(crop.spread(larger, region), (value) => Math.max(1, value));
}

/** A value between the pixels of a plane, near the range of the sixteen around it. */
function read(source, x, y) {
  const [sx, sy] = [Math.round(x * PHASES), Math.round(y * PHASES)];
  const [left, top] = [Math.floor(sx / PHASES) - 1, Math.floor(sy / PHASES) - 1];
  const [px, py] = [sx - (left + 1) * PHASES, sy - (top + 1) * PHASES];
  let [total, low, high] = [0, Infinity, -Infinity];
  for (let v = 0; v < 4; v++) {
    const row = clip(top + v, 0, source.height - 1) * source.width;
    let along = 0;
    for (let u = 0; u < 4; u++) {
      const value = source.data[row + clip(left + u, 0, source.width - 1)];
      low = Math.min(low, value);
      high = Math.max(high, value);
      along += value * WEIGHTS[u][px];
    }
    total += along * WEIGHTS[v][py];
  }
  const span = high - low;
  return clip(total, low - OVERSHOOT * Math.min(span, Math.max(low, 0)),
    high + OVERSHOOT * Math.min(span, 1));
}

/** A value at a place that stands for several pixels: of averaged pictures, blended. */
function readAveraged(levels, x, y, width) {
  const level = Math.min(MOST_LEVELS - 1, Math.log2(Math.max(width, FREE_FOOTPRINT) / FREE_FOOTPRINT));
  let total = 0;
  for (let number = Math.floor(level); number <= Math.ceil(level); number++) {
    const share = Math.max(0, 1 - Math.abs(level - number));
    const scale = 2 ** number;
    total += share * read(levels[number], (x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5);
  }
  return total;
}

/** What surfaces are taken from: the planes of a frame, in a region without what stands before it. */
function sourceOf(frame, { left, top, width, height }, front) {
  const source = frame.map((one) => ({ ...one, data: one.data.slice() }));
  if (!front) return source;
  beneath(frame.map((one) => block(one, left, top, width, height)), front).forEach(({ data }, index) => {
    for (let y = 0; y < height; y++) {
      const row = data.subarray(y * width, (y + 1) * width);
      source[index].data.set(row, (top + y) * source[index].width + left);
    }
  });
  return source;
}

/** Change, in place, the planes of a frame: red, green and blue, sRGB-encoded.
 * `front`: at the pixels of the region, 1 where something stands before the face, which stays. */
export function composeMotion(frame, change, region, front) {
  const source = sourceOf(frame, region, front);
  const levels = source.map((one) => change.footprint
    ? Array.from({ length: MOST_LEVELS }, (_, n) => (n ? reduceBy(one, 2 ** n) : one)) : [one]);
  for (let y = 0; y < region.height; y++) {
    for (let x = 0; x < region.width; x++) {
      const i = y * region.width + x;
      const stays = front ? clip(front.data[i]) : 0;
      if (!(change.weight.data[i] > 0) || stays >= WHOLE) continue;
      const [u, v] = [region.left + x, region.top + y];
      const [fromX, fromY] = [u + change.right.data[i], v + change.down.data[i]];
      const width = change.footprint?.data[i] ?? 1;
      frame.forEach((own, index) => {
        const moved = relit(readAveraged(levels[index], fromX, fromY, width), change, index, i);
        const at = v * own.width + u;
        own.data[at] = moved + stays * (own.data[at] - moved);
      });
    }
  }
}

function relit(moved, { gains, cover, paint }, index, i) {
  const gain = gains[Math.min(index, gains.length - 1)].data[i];
  const share = cover.data[i];
  if (!gain && !share) return moved;
  const light = fromSrgb(moved) * Math.exp(gain);
  return toSrgb(light + share * (fromSrgb(paint[index].data[i]) - light));
}
