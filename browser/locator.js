// Where the faces are, as reggan_plugin/faces/locator.py finds them: a search at several sizes,
// then landmarks read on upright crops; of a frame without any, by quarters turned, too. Points: left eye, right eye, nose, mouth left and right, chin.

import { Crop, cropFromPoints } from "./crop.js";
import { HAMMING, plane, resize } from "./resampling.js";

const [STRIDE, MARGIN, OUTSIDE] = [8, 16, 0.5];
const [LEAST_PEAK, LEAST_SCORE, LEAST_TURNED_SCORE, SURE_SCORE, HOPELESS_SCORE] = [0.65, 0.8, 0.89, 0.97, 0.02];
const [MOST_CANDIDATES, MOST_PER_LEVEL] = [64, 48];
const [SMALLEST_PX, FINEST_SCALE, LARGEST_FACE_PX, LARGEST_FACE] = [24, 28 / 48, 56, 1.25];
const SIDE = 112;
const BOX = 2.6 / 4;  // of a face, in sides of its crop
const UPRIGHT = { left_eye: [0.625, 0.26], right_eye: [0.375, 0.26],
  mouth_left: [0.605, 0.565], mouth_right: [0.395, 0.565] };
const ONE_VIEW = [[1, 0]];
const FIVE_VIEWS = [[1, 0], [0.92, 0], [1.08, 0], [1, 4], [1, -4]];  // zoom, turn in degrees

const aligned = (points) => [points[0], points[1], points[3], points[4]];
export const eyeDistance = ([[x, y], [u, v]]) => Math.hypot(x - u, y - v);

function candidateOf(points, score) {
  const spans = [0, 1].map((axis) => points.map((point) => point[axis]));
  const isFlat = spans.some((values) => !(Math.max(...values) - Math.min(...values) >= 2));
  if (isFlat) return null;
  const crop = cropFromPoints(aligned(points), UPRIGHT, SIDE);
  return { points, score, crop, centre: crop.place(SIDE / 2, SIDE / 2), size: crop.scale * SIDE * BOX };
}

function sharePlace(one, other, anySize) {
  const [smaller, larger] = [one.size, other.size].sort((a, b) => a - b);
  if (!anySize && larger > 1.8 * smaller) return false;
  const away = Math.hypot(one.centre[0] - other.centre[0], one.centre[1] - other.centre[1]);
  return away < (anySize ? 0.55 * larger : 0.35 * smaller);
}

/** The best of those that share a place, best first. */
function withoutRepeats(candidates, anySize) {
  const kept = [];
  for (const one of [...candidates].sort((a, b) => b.score - a.score)) {
    if (!kept.some((other) => sharePlace(one, other, anySize))) kept.push(one);
  }
  return kept;
}

/** Grey copies at falling sizes: { gray, across, down }, the frame's pixels that one of theirs spans. */
function levelsOf(base) {
  const levels = [];
  let [scale, source] = [FINEST_SCALE, base];
  while (Math.min(base.width, base.height) >= SMALLEST_PX) {
    const size = [base.width, base.height].map((side) => Math.max(1, Math.round(side * scale)));
    source = resize(source, ...size, HAMMING);
    levels.push({ gray: source, across: base.width / size[0], down: base.height / size[1] });
    if (Math.min(base.width, base.height) * scale * LARGEST_FACE <= LARGEST_FACE_PX) break;
    scale /= 2;
  }
  return levels;
}

/** A level with a grey margin, its sides multiples of the stride. */
function padded({ width, height, data }) {
  const round = (side) => side + 2 * MARGIN + ((STRIDE - (side % STRIDE)) % STRIDE);
  const result = plane(round(width), round(height));
  result.data.fill(OUTSIDE);
  for (let y = 0; y < height; y++) {
    result.data.set(data.subarray(y * width, (y + 1) * width), (y + MARGIN) * result.width + MARGIN);
  }
  return result;
}

/** A plane turned counterclockwise by so many quarters. */
function turned(base, quarters) {
  let source = base;
  for (let i = 0; i < quarters; i++) {
    const next = plane(source.height, source.width);
    for (let y = 0; y < next.height; y++) {
      for (let x = 0; x < next.width; x++) next.data[y * next.width + x] = source.data[x * source.width + source.width - 1 - y];
    }
    source = next;
  }
  return source;
}

function peaksOf(level, score, offsets) {
  const [rows, columns] = score.dims.slice(2);
  const at = (row, column) =>
    row < 0 || column < 0 || row >= rows || column >= columns ? -1 : score.data[row * columns + column];
  const found = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const own = at(row, column);
      if (own ** 0.25 < LEAST_PEAK) continue;
      let isPeak = true;
      for (let v = -1; v <= 1; v++) for (let u = -1; u <= 1; u++) isPeak &&= own >= at(row + v, column + u);
      if (!isPeak) continue;
      const value = (index) => offsets.data[(index * rows + row) * columns + column];
      const points = Array.from({ length: 6 }, (_, point) => [
        ((column + 0.5) * STRIDE - MARGIN + value(2 * point)) * level.across,
        ((row + 0.5) * STRIDE - MARGIN + value(2 * point + 1)) * level.down,
      ]);
      const candidate = candidateOf(points, own ** 0.25);
      if (candidate) found.push(candidate);
    }
  }
  return found.sort((a, b) => b.score - a.score).slice(0, MOST_PER_LEVEL);
}

/** What a crop shows of the level that is nearest to its resolution. */
function sampleOf(base, levels, crop, target) {
  let chosen = { gray: base, across: 1, down: 1 };
  for (const level of levels) if (crop.scale / Math.max(level.across, level.down) >= 0.8) chosen = level;
  const { width, height, data } = chosen.gray;
  const at = (column, row) =>
    column < 0 || row < 0 || column >= width || row >= height ? OUTSIDE : data[row * width + column];
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [u, v] = crop.place(x + 0.5, y + 0.5);
      const [px, py] = [u / chosen.across - 0.5, v / chosen.down - 0.5];
      const [left, top] = [Math.floor(px), Math.floor(py)];
      const [across, down] = [px - left, py - top];
      target[y * SIDE + x] = (at(left, top) * (1 - across) + at(left + 1, top) * across) * (1 - down)
        + (at(left, top + 1) * (1 - across) + at(left + 1, top + 1) * across) * down;
    }
  }
}

/** The crop enlarged and turned about its middle. */
function varied(crop, [zoom, degrees]) {
  const [a, b, , d, e] = crop.matrix;
  const [cos, sin] = [Math.cos(degrees * Math.PI / 180) * zoom, Math.sin(degrees * Math.PI / 180) * zoom];
  const [p, q, r, s] = [a * cos + b * sin, b * cos - a * sin, d * cos + e * sin, e * cos - d * sin];
  const [x, y] = crop.place(SIDE / 2, SIDE / 2);
  return new Crop([p, q, x - (p + q) * SIDE / 2, r, s, y - (r + s) * SIDE / 2], SIDE);
}

export class Locator {
  /** `detector` and `landmarks` are sessions, `tensor` makes what they take of data and dims. */
  constructor(detector, landmarks, tensor) {
    Object.assign(this, { detector, landmarks, tensor });
  }

  /** The points of each face in three planes of a frame, the one with the largest eye distance first. */
  async locate([red, green, blue]) {
    const base = plane(red.width, red.height);
    for (let i = 0; i < base.data.length; i++) {
      base.data[i] = 0.299 * red.data[i] + 0.587 * green.data[i] + 0.114 * blue.data[i];
    }
    const looks = [await this.#locateUpright(base, LEAST_SCORE)];
    const surest = (look) => Math.max(0, ...look.map(({ score }) => score));
    for (let quarters = 1; quarters < 4 && surest(looks[0]) < SURE_SCORE; quarters++) {
      const look = await this.#locateUpright(turned(base, quarters), LEAST_TURNED_SCORE);
      const { width, height } = base;
      const back = [null, ([x, y]) => [width - y, x], ([x, y]) => [width - x, height - y], ([x, y]) => [y, height - x]];
      looks.push(look.map(({ points, score }) => ({ points: points.map(back[quarters]), score })));
    }
    const faces = looks.reduce((best, look) => (surest(look) > surest(best) ? look : best));
    return faces.map(({ points }) => points).sort((a, b) => eyeDistance(b) - eyeDistance(a));
  }

  async #locateUpright(base, leastScore) {
    const levels = levelsOf(base);
    const found = [];
    for (const level of levels) {
      const { width, height, data } = padded(level.gray);
      const { score, offsets } = await this.detector.run({ gray: this.tensor(data, [1, 1, height, width]) });
      found.push(...peaksOf(level, score, offsets));
    }
    const likely = withoutRepeats(found, false).slice(0, MOST_CANDIDATES);
    const once = await this.#read(base, levels, likely, ONE_VIEW);
    const read = await this.#read(base, levels, withoutRepeats(once, false), FIVE_VIEWS);
    return withoutRepeats(read.filter(({ score }) => score >= leastScore), true);
  }

  /** Candidates with points read anew, means over the views. */
  async #read(base, levels, candidates, views) {
    const found = [];
    for (const one of candidates) {
      const crops = views.map((view) => varied(one.crop, view));
      const input = new Float32Array(crops.length * SIDE * SIDE);
      crops.forEach((crop, i) => sampleOf(base, levels, crop, input.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE)));
      const said = await this.landmarks.run({ crop: this.tensor(input, [crops.length, 1, SIDE, SIDE]) });
      const points = Array.from({ length: 6 }, (_, point) => {
        const places = crops.map((crop, i) => crop.place(...said.points.data.subarray(12 * i + 2 * point, 12 * i + 2 * point + 2)));
        return [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis], 0) / crops.length);
      });
      const score = one.score * said.score.data.reduce((sum, value) => sum + value, 0) / crops.length;
      const candidate = score >= HOPELESS_SCORE ? candidateOf(points, score) : null;
      if (candidate) found.push(candidate);
    }
    return found;
  }
}
