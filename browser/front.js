// What stands before a face: the network's coarse mask, made exact. As reggan_plugin/rig/front.py does it.

import { BICUBIC, largest, resize } from "./planes.js";

const [THIN, REACH, SOFTEST, FROM, TO, LEAST] = [3, 7 / 384, 4e-4, 0.35, 0.65, 0.002];
const like = (one, work) => ({ ...one, data: one.data.map(work) });

/** A plane in [0, 1] over the crop, null if nothing is before the face; `share` is what the network says. */
export function frontMatte(face, share) {
  const side = face[0].width;
  const less = (one) => like(one, (value) => 1 - value);
  const thick = largest(less(largest(less(share), THIN)), THIN + 2);  // without crumbs
  const mask = resize(like(share, (value, i) => Math.min(value, thick.data[i])), side, side, BICUBIC);
  if (mask.data.filter((value) => value > 0.5).length < LEAST * side * side) return null;
  const guide = like(mask, (_, i) => (face[0].data[i] + face[1].data[i] + face[2].data[i]) / 3);
  const averaged = (one) => means(one, Math.max(1, Math.round(REACH * side)));
  const times = (one, other) => like(one, (value, i) => value * other.data[i]);
  const [meanGuide, meanMask, both, square] = [guide, mask, times(guide, mask), times(guide, guide)].map(averaged);
  const slope = like(both, (value, i) => (value - meanGuide.data[i] * meanMask.data[i])
    / (Math.max(0, square.data[i] - meanGuide.data[i] ** 2) + SOFTEST));
  const offset = averaged(like(meanMask, (value, i) => value - slope.data[i] * meanGuide.data[i]));
  const followed = like(averaged(slope), (value, i) => value * guide.data[i] + offset.data[i]);
  return like(followed, (value) => Math.min(1, Math.max(0, (value - FROM) / (TO - FROM))));
}

/** Means over squares of 2 reach + 1 pixels; edges go on. */
function means({ width, height, data }, reach) {
  const pass = (source, step, length) => source.map((_, i) => {
    const place = Math.floor(i / step) % length;
    let sum = 0;
    for (let k = -reach; k <= reach; k++) sum += source[i + (Math.min(length - 1, Math.max(0, place + k)) - place) * step];
    return sum / (2 * reach + 1);
  });
  return { width, height, data: pass(pass(data, 1, width), width, height) };
}
