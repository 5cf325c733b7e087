// Motion under which no surface is turned over, and whose closed lips have an even line: as reggan_plugin/change/folds.py does it.

import { BOX, block, plane, resize } from "./planes.js";

const [LEAST_AREA, LEAST_SHOWN, LEAST_SEEN, MOST_PASSES] = [0.3, 0.5, 0.9, 8];
const [LIPS_PASSES, LIPS_EDGE] = [2, 3];
const BINOMIAL = [1, 4, 6, 4, 1].map((weight) => weight / 16);

const clip = (value, low, high) => Math.min(high, Math.max(low, value));

/** Both planes of a motion, smoothed where it folds; `painters` are pairs of window and cover. */
export function unfolded(motion, cover, painters, [begins, ends]) {
  const seen = seenShare(cover, painters, motion[0].width);
  seen.data.forEach((v, i) => (seen.data[i] = Math.max(1 - clip((v - begins) / (ends - begins), 0, 1), 1e-3)));
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    const folds = foldsOf(motion, seen);
    if (!folds.data.some((value) => value > 0)) break;
    const near = filtered(filtered(folds, (values) => Math.max(...values)), average);
    const weight = filtered(seen, average);
    for (const own of motion) {
      const weighted = { ...own, data: own.data.map((value, i) => value * seen.data[i]) };
      const smooth = filtered(weighted, average);
      own.data = own.data.map((value, i) => value + near.data[i] * (smooth.data[i] / weight.data[i] - value));
    }
  }
  for (const [square] of painters) evenLips(motion, seen, square);
  return motion;
}

/** Averages what a painter of a mouth sees of the motion, away from where it paints. */
function evenLips(motion, seen, square) {
  const { left, top, width, height } = cellsOf(square, seen.width);
  if (width < 1 || height < 1) return;
  const cut = (source) => block(source, left, top, width, height);
  let painted = map(cut(seen), (value) => (value <= LEAST_SEEN ? 1 : 0));
  for (let pass = 0; pass < 2; pass++) painted = filtered(painted, (values) => Math.max(...values));
  const inner = (place, length) => place >= LIPS_EDGE && place < length - LIPS_EDGE;
  const near = filtered(map(painted, (value, i) =>
    (inner(i % width, width) && inner(Math.floor(i / width), height) ? 1 - value : 0)), average);
  for (const own of motion) {
    let part = cut(own);
    for (let pass = 0; pass < LIPS_PASSES; pass++) {
      const smooth = filtered(part, average);
      part = map(part, (value, i) => value + near.data[i] * (smooth.data[i] - value));
    }
    lay(part, own, left, top);
  }
}

const map = (source, work) => ({ ...source, data: source.data.map(work) });

const average = (values) => values.reduce((sum, value, tap) => sum + BINOMIAL[tap] * value, 0);

/** Lay a part over a plane. */
function lay(part, under, left, top) {
  part.data.forEach((value, i) => {
    under.data[(top + Math.floor(i / part.width)) * under.width + left + (i % part.width)] = value;
  });
}

/** Cells of the motion that a painter looks at; halves are rounded to even numbers, as in Python. */
function cellsOf(square, cells) {
  const [left, top, right, bottom] = square.map((end) => {
    const below = Math.floor(end * cells);
    const rest = end * cells - below;
    return below + (rest > 0.5 || (rest === 0.5 && below % 2) ? 1 : 0);
  });
  return { left, top, width: right - left, height: bottom - top };
}

/** Cover at the resolution of the motion, the painters' in their windows. */
function seenShare(cover, painters, cells) {
  const result = resize(cover, cells, cells, BOX);
  for (const [square, own] of painters) {
    const { left, top, width, height } = cellsOf(square, cells);
    if (width > 0 && height > 0) lay(resize(own, width, height, BOX), result, left, top);
  }
  return result;
}

/** 1 at the corners of squares that are seen and fold. */
function foldsOf([mx, my], seen) {
  const cells = mx.width;
  const folds = plane(cells, cells);
  for (let y = 0; y < cells - 1; y++) {
    for (let x = 0; x < cells - 1; x++) {
      const at = (right, down) => (y + down) * cells + x + right;
      const corners = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
      if (corners.some((corner) => seen.data[corner] <= LEAST_SHOWN)) continue;
      const slope = ({ data }, from, to) => (data[to] - data[from]) * cells;
      let least = Infinity;
      for (const side of [0, 1]) {
        for (const end of [0, 1]) {
          const [row, column] = [[at(0, side), at(1, side)], [at(end, 0), at(end, 1)]];
          least = Math.min(least, (1 + slope(mx, ...row)) * (1 + slope(my, ...column))
            - slope(my, ...row) * slope(mx, ...column));
        }
      }
      if (least < LEAST_AREA) corners.forEach((corner) => (folds.data[corner] = 1));
    }
  }
  return folds;
}

/** What `work` makes of five cells along each axis, one after the other; edges are repeated. */
function filtered(source, work) {
  let values = source.data;
  const { width, height } = source;
  for (const [dx, dy] of [[0, 1], [1, 0]]) {
    const before = values;
    values = before.map((_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return work([-2, -1, 0, 1, 2].map((step) =>
        before[clip(y + step * dy, 0, height - 1) * width + clip(x + step * dx, 0, width - 1)]));
    });
  }
  return { ...source, data: values };
}
