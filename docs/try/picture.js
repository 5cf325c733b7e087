// A face of a model that answers with a picture and a mask: the change is added to the frame.
// As reggan_plugin/imaging/composite_picture.py does it, for opaque sRGB pictures.

import { gaussianBlur, largest, plane } from "./planes.js";

const [SMALL_CHANGE, LARGE_CHANGE] = [0.05, 0.2];
const clip = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));

function channel({ dims, data }, index) {
  const side = dims[3];
  return { width: side, height: side, data: data.slice(index * side ** 2, (index + 1) * side ** 2) };
}

/** Change, in place, the planes of a frame; `before` is what the model saw. */
export function composePicture(frame, before, outputs, crop, region) {
  const mask = channel(outputs.mask, 0);
  const after = [0, 1, 2].map((index) => channel(outputs.face, index));
  const weight = crop.spread(mask, region);
  const lost = clip(crop.scale - 1);
  const givesWay = lost > 0 ? crop.spread(largeChange(before, after, mask), region) : null;
  frame.forEach((own, index) => {
    const difference = plane(crop.side, crop.side);
    difference.data.forEach((_, i) =>
      (difference.data[i] = after[index].data[i] - before[index].data[i]));
    const change = crop.spread(difference, region);
    const seen = lost > 0 ? crop.spread(before[index], region) : null;
    for (let i = 0; i < change.data.length; i++) {
      const at = (region.top + Math.floor(i / region.width)) * own.width
        + region.left + (i % region.width);
      const [value, share] = [own.data[at], clip(weight.data[i])];
      let edited = share * change.data[i];
      if (seen) {
        const detail = clip(value - seen.data[i], -1, 1);
        edited -= lost * share * clip(givesWay.data[i]) * detail;
      }
      own.data[at] = Math.max(value + edited * clip(2 - value), Math.min(value, 0));
    }
  });
}

/** 0 where a crop changes little, 1 where it shows something else; smooth between. */
function largeChange(before, after, mask) {
  const side = mask.width;
  const levels = plane(side, side);
  levels.data.forEach((_, i) => {
    const most = Math.max(...before.map(({ data }, c) => Math.abs(after[c].data[i] - data[i])));
    levels.data[i] = Math.trunc(clip(mask.data[i] * most * 255 + 0.5, 0, 255));
  });
  const share = side / 256;
  const spread = largest(levels, 2 * Math.max(1, Math.round(2 * share)) + 1);
  const smooth = gaussianBlur(spread, 3 * share);
  smooth.data.forEach((value, i) => {
    const ramp = clip((value / 255 - SMALL_CHANGE) / (LARGE_CHANGE - SMALL_CHANGE));
    smooth.data[i] = ramp * ramp * (3 - 2 * ramp);
  });
  return smooth;
}
