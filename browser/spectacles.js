// Spectacles found and lifted off a face: as reggan_plugin/imaging/spectacles.py does it.
// Numbers of pixels are of a crop of 256; a mask is a plane of 0 and 1, of the rows that are looked at.

import { continued } from "./backdrop.js";
import { BICUBIC, BILINEAR, BOX, gaussianBlur, largest, percentile, plane, resizeLevels } from "./planes.js";

const [SIDE, TOP, BOTTOM, HALF_WIDTH] = [256, 36, 123, 77];
const ROWS = BOTTOM - TOP;
const [EYES, EYE_SIZE] = [[[98, 77], [158, 77]], [15, 10]];
const [BRIDGE_TOP, BRIDGE_BOTTOM, BRIDGE_HALF_WIDTH] = [59, 102, 9];
const [FRINGE_BOTTOM, FRINGE_HALF_WIDTH, MOST_FRINGE] = [47, 13, 3];
const [SHADE, HUE, THIN, LIKE, CLEAR] = [0.6, 2.5, 0.06, 0.18, 0.6];
const [THICK, STEP, MOST_THICK, THICKEST, MOST_BESIDE] = [7, 5, 0.08, 6, 0.5];
const [LEAST_BRIDGE, LEAST_HALF, LEAST_BELOW] = [6, 25, 8];
const [LEAST_REACH, LEAST_HEIGHT, BELOW, BESIDE] = [32, 18, 88, 15];
const [SOFT, FULLER, SURE, FROM, TO, TOLD] = [1, 3, 0.95, 0.05, 0.75, 0.06];

function mask(isSet) {
  const result = plane(SIDE, ROWS);
  for (let i = 0; i < result.data.length; i++) result.data[i] = isSet(i) ? 1 : 0;
  return result;
}

const across = (i) => (i % SIDE) + 0.5 - SIDE / 2;
const down = (i) => Math.floor(i / SIDE) + 0.5 + TOP;
const not = ({ data }) => mask((i) => !data[i]);
const both = (one, other) => mask((i) => one.data[i] && other.data[i]);
const count = ({ data }) => data.reduce((sum, value) => sum + value, 0);
const shrunk = (one, size) => not(largest(not(one), size));

const SEARCHED = mask((i) => Math.abs(across(i)) < HALF_WIDTH && EYES.every(([x, y]) =>
  Math.hypot((across(i) + SIDE / 2 - x) / EYE_SIZE[0], (down(i) - y) / EYE_SIZE[1]) >= 1));
const BRIDGE = mask((i) => Math.abs(across(i)) < BRIDGE_HALF_WIDTH
  && down(i) > BRIDGE_TOP && down(i) < BRIDGE_BOTTOM);
const FRINGE = mask((i) => Math.abs(across(i)) < FRINGE_HALF_WIDTH && down(i) < FRINGE_BOTTOM);

/** Three planes without what stood before them, and `front`, a plane that says where; null if none. */
export function liftSpectacles(face) {
  const rims = findSpectacles(face);
  if (!rims) return { face, front: null };
  const front = matteOf(face, rims);
  return { face: continued(face, front), front };
}

/** A plane that follows the edges of a frame at the face's own resolution: where it may be, a
 * pixel's share of it is how near its colour lies to the frame's on the way from the skin around. */
function matteOf(face, rims) {
  const { width, height } = face[0];
  const image = plane(SIDE, SIDE);
  image.data.set(rims.data.map((value) => 255 * value), TOP * SIDE);
  const [mayBe, isOne] = [gaussianBlur(image, SOFT), image].map((one) => resizeLevels(one, width, height, BILINEAR).data);
  const matte = { width, height, data: mayBe.map((value) => Math.min(1, (FULLER * value) / 255)) };
  const touched = [...matte.data.keys()].filter((i) => matte.data[i]);
  const [first, end] = [Math.floor(touched[0] / width), Math.floor(touched.at(-1) / width) + 1];
  const band = (data) => ({ width, height: end - first, data: data.slice(first * width, end * width) });
  const near = face.map(({ data }) => band(data));
  const own = band(isOne.map((value) => (value / 255 > SURE ? 1 : 0)));
  const known = (isKnown) => opponent(continued(near, { ...own, data: own.data.map((_, i) => (isKnown(i) ? 0 : 1)) }));
  const [frame, skin] = [known((i) => own.data[i]), known((i) => !matte.data[first * width + i])];
  const [away, apart] = [distances(opponent(near), frame), distances(skin, frame)];
  own.data.forEach((isSure, i) => {
    const share = apart[i] > TOLD ? (1 - away[i] / Math.max(apart[i], 1e-6) - FROM) / (TO - FROM) : 1;
    matte.data[first * width + i] *= Math.min(1, Math.max(0, share, isSure));
  });
  return matte;
}

/** The mask of the frame of spectacles; null where there is none. */
export function findSpectacles(face) {
  const image = face.map((one) => rowsOf(resizeLevels(levelsOf(one), SIDE, SIDE, BICUBIC)));
  const [seen, around] = [image, image.map(surroundings)].map((planes) =>
    opponent(planes.map((one) => ({ ...one, data: one.data.map((value) => value / 255) }))));
  const contrast = distances(seen, around);
  const thin = mask((i) => contrast[i] > THIN && SEARCHED.data[i]);
  const bridge = both(thin, BRIDGE);
  if (count(bridge) < LEAST_BRIDGE) return null;
  const least = CLEAR * percentile(contrast.filter((_, i) => bridge.data[i]), 0.9);
  const clear = mask((i) => bridge.data[i] && contrast[i] >= least);
  const colour = seen.map((one) => percentile(one.filter((_, i) => clear.data[i]), 0.5));
  const unlike = distances(seen, colour.map((value) => new Float32Array(SIDE * ROWS).fill(value)));
  let rims = connected(clear, mask((i) => thin.data[i] && unlike[i] < LIKE));
  if (count(both(rims, FRINGE)) > MOST_FRINGE) return null;
  rims = both(rims, not(largest(shrunk(rims, THICK), THICK)));
  if (![-1, 1].every((side) => goesAround(rims, side))) return null;
  if (thickShare(rims) > MOST_THICK) return null;
  const near = largest(rims, 5);
  const beside = both(both(largest(rims, 9), not(near)), SEARCHED);
  return count(both(thin, beside)) > MOST_BESIDE * count(beside) ? null : rims;
}

const levelsOf = ({ width, height, data }) => ({ width, height,
  data: data.map((value) => Math.trunc(Math.fround(Math.min(1, Math.max(0, value)) * 255) + 0.5)) });

const rowsOf = ({ data }) => ({ width: SIDE, height: ROWS, data: data.slice(TOP * SIDE, BOTTOM * SIDE) });

/** Lightness of colours, and how far red and blue differ from it. */
function opponent([red, green, blue]) {
  const light = red.data.map((value, i) =>
    0.2126 * value + 0.7152 * green.data[i] + 0.0722 * blue.data[i]);
  const hue = ({ data }) => data.map((value, i) => HUE * (value - light[i]));
  return [light.map((value) => SHADE * value), hue(red), hue(blue)];
}

const distances = ([a, b, c], [d, e, f]) =>
  a.map((value, i) => Math.sqrt((value - d[i]) ** 2 + (b[i] - e[i]) ** 2 + (c[i] - f[i]) ** 2));

/** The median of what is around each pixel, looked for at half of the resolution. */
function surroundings(levels) {
  const small = resizeLevels(levels, Math.floor(SIDE / 2), Math.floor(ROWS / 2), BOX);
  const { width, height, data } = small;
  const edge = (value, length) => Math.min(length - 1, Math.max(0, value));
  const around = new Float32Array(25);
  const medians = data.map((_, i) => {
    for (let k = 0; k < 25; k++) {
      const row = edge(Math.floor(i / width) + Math.floor(k / 5) - 2, height);
      around[k] = data[row * width + edge((i % width) + (k % 5) - 2, width)];
    }
    return around.sort()[12];
  });
  return resizeLevels({ width, height, data: medians }, SIDE, ROWS, BILINEAR);
}

/** What is reached from seeds in steps of at most two pixels. */
function connected(seeds, among) {
  let [grown, size] = [both(seeds, among), 0];
  while (count(grown) > size) {
    size = count(grown);
    grown = both(among, largest(grown, STEP));
  }
  return grown;
}

/** The share of a frame that is about twice as thick as it is at its thinnest places. */
function thickShare(rims) {
  const heights = [both(rims, BRIDGE), mask((i) => rims.data[i] && down(i) > BELOW)].map(({ data }) =>
    Float32Array.from({ length: SIDE }, (_, x) => {
      let height = 0;
      for (let i = x; i < data.length; i += SIDE) height += data[i];
      return height;
    }).filter((height) => height > 0));
  const usual = Math.min(...heights.filter(({ length }) => length).map((one) => percentile(one, 0.5)));
  const size = 2 * Math.floor(Math.min(Math.max(usual, 2), THICKEST) / 2 + 1) + 1;
  const closed = shrunk(largest(rims, 3), 3);
  return count(both(closed, largest(shrunk(closed, size), size))) / count(closed);
}

/** Whether a half reaches far enough aside, is high enough, and comes below the eye. */
function goesAround(rims, side) {
  const half = [...rims.data.keys()].filter((i) => rims.data[i] && side * across(i) > 0);
  if (half.length < LEAST_HALF) return false;
  const below = half.filter((i) => Math.abs(across(i)) > BESIDE && down(i) > BELOW);
  const heights = half.map(down);
  return Math.max(...half.map((i) => Math.abs(across(i)))) >= LEAST_REACH
    && Math.max(...heights) - Math.min(...heights) >= LEAST_HEIGHT
    && below.length >= LEAST_BELOW;
}
