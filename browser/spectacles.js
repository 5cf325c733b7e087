// Spectacles lifted off a face, about where the network says that they are: as
// reggan_plugin/rig/spectacles_and_hair.py does it.

import { continued } from "./backdrop.js";
import { spectacles_and_hair as front } from "./constants.js";
import { onBrows } from "./in_front_of_face.js";
import { BILINEAR, largest, percentile, resizeLevels } from "./resampling.js";

const { SHADE, HUE, LIKELY, LEAST_WORN, AROUND, SURE, CLEAR, ALIKE, REACH, NOT, MAY, FRAME_FROM, FRAME_TO, TOLD } = front;
const like = (one, work) => ({ ...one, data: one.data.map(work) });

/** Three planes without what stood before them, and `front`, a plane that says where; null if none.
 * `share` is a plane of the same crop; `isBrow` says whether a place is on a brow, which is no rim. */
export function liftSpectacles(face, share, isBrow) {
  const likely = onBrows(share, isBrow, 0).data.reduce((sum, value) => sum + (value > LIKELY ? value : 0), 0);
  if (likely < LEAST_WORN * share.data.length) return { face, front: null };
  const matte = matteOf(face, share);
  return { face: continued(face, matte), front: matte };
}

/** A plane that follows the edges of a frame at the face's own resolution: where it may be, a
 * pixel's share of it is how far its colour lies on the way from the skin's around to the frame's,
 * less how far beside it. */
function matteOf(face, share) {
  const { width, height } = face[0];
  const levels = like(share, (value) => Math.round(255 * value));
  const around = largest(levels, AROUND);
  const isRidge = like(share, (value, i) => (value > LIKELY && 255 * value >= SURE * around.data[i] ? 255 : 0));
  const large = (one) => resizeLevels(one, width, height, BILINEAR);
  const matte = like(large(largest(levels, REACH)), (value) => Math.min(1, Math.max(0, (value / 255 - NOT) / (MAY - NOT))));
  const ridge = like(large(isRidge), (value) => (value > 127 ? 1 : 0));
  const touched = [...matte.data.keys()].filter((i) => matte.data[i]);
  const [first, end] = [Math.floor(touched[0] / width), Math.floor(touched.at(-1) / width) + 1];
  const band = ({ data }) => ({ width, height: end - first, data: data.slice(first * width, end * width) });
  const near = face.map(band);
  const known = (one) => opponent(continued(near, like(one, (value) => 1 - value)));
  const seen = opponent(near);
  const skin = known(like(band(matte), (value) => (value ? 0 : 1)));
  const gone = minus(seen, skin);
  const contrast = like(band(ridge), (isOn, i) => isOn * length(gone, i));
  const most = largest(contrast, 2 * Math.max(1, Math.round((AROUND * width) / share.width / 2)) + 1);
  const clear = like(contrast, (value, i) => (ridge.data[first * width + i] && value >= CLEAR * most.data[i] ? 1 : 0));
  const usual = seen.map((one) => percentile(one.filter((_, i) => clear.data[i]), 0.5));
  const unlike = minus(seen, usual.map((value) => new Float32Array(clear.data.length).fill(value)));
  const own = like(clear, (isOn, i) => (isOn && length(unlike, i) < ALIKE ? 1 : 0));
  const way = minus(known(own), skin);
  own.data.forEach((isSure, i) => {
    const apart = Math.max(length(way, i), 1e-6);
    const along = gone.reduce((sum, one, k) => sum + one[i] * way[k][i], 0) / apart;
    const beside = Math.sqrt(Math.max(0, length(gone, i) ** 2 - along ** 2));
    const part = apart > TOLD ? ((along - beside) / apart - FRAME_FROM) / (FRAME_TO - FRAME_FROM) : 1;
    matte.data[first * width + i] *= Math.min(1, Math.max(0, part, isSure));
  });
  return matte;
}

/** Lightness of colours, and how far red and blue differ from it. */
function opponent([red, green, blue]) {
  const light = red.data.map((value, i) =>
    0.2126 * value + 0.7152 * green.data[i] + 0.0722 * blue.data[i]);
  const hue = ({ data }) => data.map((value, i) => HUE * (value - light[i]));
  return [light.map((value) => SHADE * value), hue(red), hue(blue)];
}

const minus = (colours, others) => colours.map((one, k) => one.map((value, i) => value - others[k][i]));
const length = ([a, b, c], i) => Math.sqrt(a[i] ** 2 + b[i] ** 2 + c[i] ** 2);
