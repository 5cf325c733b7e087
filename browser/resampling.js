// Planes of numbers and how they are resampled: as reggan_plugin/imaging/crop.py does it.
// A plane is { width, height, data: Float32Array }; a matrix is [a, b, c, d, e, f], rows first.

export const plane = (width, height) =>
  ({ width, height, data: new Float32Array(width * height) });

/** Average over blocks of `factor` pixels; those at the far edges average what is left. */
export function reduceBy(source, factor) {
  const result = plane(Math.ceil(source.width / factor), Math.ceil(source.height / factor));
  for (let y = 0; y < result.height; y++) {
    for (let x = 0; x < result.width; x++) {
      const right = Math.min(source.width, (x + 1) * factor);
      const bottom = Math.min(source.height, (y + 1) * factor);
      let total = 0;
      for (let v = y * factor; v < bottom; v++) {
        for (let u = x * factor; u < right; u++) total += source.data[v * source.width + u];
      }
      result.data[y * result.width + x] = total / ((right - x * factor) * (bottom - y * factor));
    }
  }
  return result;
}

/** Kernels of Pillow: how far each reaches, and its weight at a distance. */
export const BOX = [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)];
export const BILINEAR = [1, (x) => Math.max(0, 1 - Math.abs(x))];
export const HAMMING = [1, (x) => {
  const turn = Math.PI * Math.min(1, Math.abs(x));
  return turn ? (Math.sin(turn) / turn) * (0.54 + 0.46 * Math.cos(turn)) : 1;
}];
export const BICUBIC = [2, (x) => {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}];

/** First source pixel and weights of each of so many pixels of a line, each `scale` wide; the source
 * has pixels from `low` to `high`, and the first of them counts as 0. */
function taps(count, scale, [reach, kernel], low, high) {
  const wide = Math.max(1, scale);
  return Array.from({ length: count }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(low, Math.floor(centre - reach * wide + 0.5));
    const end = Math.min(high, Math.floor(centre + reach * wide + 0.5));
    const weights = [];
    for (let at = first; at < end; at++) weights.push(kernel((at - centre + 0.5) / wide));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first: first - low, weights: weights.map((weight) => weight / sum) };
  });
}

const tapsTo = (length, target, kernel) => taps(target, length / target, kernel, 0, length);

/** Weighted sums along the rows of a plane. */
function alongRows(source, across) {
  const wide = plane(across.length, source.height);
  across.forEach(({ first, weights }, x) => {
    for (let y = 0; y < source.height; y++) {
      let total = 0;
      for (let t = 0; t < weights.length; t++) {
        total += weights[t] * source.data[y * source.width + first + t];
      }
      wide.data[y * wide.width + x] = total;
    }
  });
  return wide;
}

/** Weighted sums along its columns. */
function alongColumns(wide, down) {
  const result = plane(wide.width, down.length);
  down.forEach(({ first, weights }, y) => {
    for (let x = 0; x < wide.width; x++) {
      let total = 0;
      for (let t = 0; t < weights.length; t++) {
        total += weights[t] * wide.data[(first + t) * wide.width + x];
      }
      result.data[y * result.width + x] = total;
    }
  });
  return result;
}

/** A plane at another size. */
export function resize(source, width, height, kernel) {
  const across = alongRows(source, tapsTo(source.width, width, kernel));
  return alongColumns(across, tapsTo(source.height, height, kernel));
}

/** The same for whole levels, 0 to 255, which Pillow rounds after each axis. */
export function resizeLevels(source, width, height, kernel) {
  const rounded = (one) => ({ ...one, data: one.data.map((v) => Math.min(255, Math.max(0, Math.floor(v + 0.5)))) });
  const across = rounded(alongRows(source, tapsTo(source.width, width, kernel)));
  return rounded(alongColumns(across, tapsTo(source.height, height, kernel)));
}

/** A part of a plane shrunk by a factor above 1, of which every pixel counts; edge pixels go on. */
export function shrunk(source, left, top, width, height, scale) {
  const factor = Math.max(1, Math.floor(scale / 2));
  const fine = scale / factor;
  const beyond = Math.ceil(2 * fine) + 1;  // blocks that the kernel reaches past the part
  const corner = [left, top].map((start) => start - beyond * factor);
  const counts = [width, height].map((length) => Math.floor(length / scale));
  const blocks = counts.map((count) => Math.ceil(count * fine) + 2 * beyond);
  const part = reduceBy(block(source, ...corner, ...blocks.map((count) => count * factor)), factor);
  const [across, down] = counts.map((count, axis) => taps(count, fine, BICUBIC, -beyond, blocks[axis] - beyond));
  return alongColumns(alongRows(part, across), down);
}

const PHASES = 1024;  // steps between two pixels that are told apart
const CUBIC = Float32Array.from({ length: 4 * PHASES }, (_, i) => BICUBIC[1](Math.floor(i / 4) / PHASES - (i % 4) + 1));

/** A plane at affine places, by a cubic kernel; its edge goes on between pixels, outside of it is 0. */
export function sample(source, sourceFromTarget, width, height) {
  const reduction = Math.max(1, Math.floor(Math.hypot(sourceFromTarget[0], sourceFromTarget[3])));
  const reduced = reduction > 1 ? reduceBy(source, reduction) : source;
  const [a, b, c, d, e, f] = sourceFromTarget.map((value) => value / reduction);
  const result = plane(width, height);
  const within = (place, length) => Math.min(length - 1, Math.max(0, place));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = a * (x + 0.5) + b * (y + 0.5) + c;
      const v = d * (x + 0.5) + e * (y + 0.5) + f;
      if (!(u >= 0 && v >= 0 && u < reduced.width && v < reduced.height)) continue;
      const [right, down] = [Math.round((u - 0.5) * PHASES), Math.round((v - 0.5) * PHASES)];
      const [left, top] = [Math.floor(right / PHASES) - 1, Math.floor(down / PHASES) - 1];
      const [ofColumns, ofRows] = [right, down].map((steps) => 4 * (((steps % PHASES) + PHASES) % PHASES));
      let sum = 0;
      for (let i = 0; i < 4; i++) {
        const row = within(top + i, reduced.height) * reduced.width;
        let along = 0;
        for (let k = 0; k < 4; k++) along += CUBIC[ofColumns + k] * reduced.data[row + within(left + k, reduced.width)];
        sum += CUBIC[ofRows + i] * along;
      }
      result.data[y * width + x] = sum;
    }
  }
  return result;
}

/** A part of a plane, its edge pixels repeated beyond the border. */
export function block(source, left, top, width, height) {
  const result = plane(width, height);
  for (let y = 0; y < height; y++) {
    const row = Math.min(source.height - 1, Math.max(0, top + y)) * source.width;
    for (let x = 0; x < width; x++) {
      const column = Math.min(source.width - 1, Math.max(0, left + x));
      result.data[y * width + x] = source.data[row + column];
    }
  }
  return result;
}

/** What `work` makes of each row and place, along rows, then columns, `passes` times each. */
function alongAxes(source, work, passes = 1) {
  let values = source;
  for (let axis = 0; axis < 2; axis++) {
    for (let pass = 0; pass < passes; pass++) {
      const before = values;
      values = plane(before.width, before.height);
      for (let from = 0; from < values.data.length; from += values.width) {
        const row = before.data.subarray(from, from + values.width);
        for (let x = 0; x < row.length; x++) values.data[from + x] = work(row, x);
      }
    }
    values = turned(values);
  }
  return values;
}

function turned(source) {
  const result = plane(source.height, source.width);
  result.data.forEach((_, i) => (result.data[i] =
    source.data[(i % source.height) * source.width + Math.floor(i / source.height)]));
  return result;
}

/** The largest value in a square of `size` pixels, an odd number, around each. */
export function largest(source, size) {
  const reach = (size - 1) / 2;
  return alongAxes(source, (row, x) => {
    let most = row[x];
    const end = Math.min(row.length - 1, x + reach);
    for (let u = Math.max(0, x - reach); u <= end; u++) if (row[u] > most) most = row[u];
    return most;
  });
}

/** The value below which a share of a Float32Array lies, as numpy has it: in straight lines between the sorted values. */
export function percentile(values, share) {
  const sorted = values.slice().sort();
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const next = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (place - below) * (next - sorted[below]);
}

/** A Gaussian along rows, then columns; beyond the plane is 0. */
export function blurred(values, width, height, sigma) {
  const reach = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
  const total = weights.reduce((a, b) => a + b);
  const pass = (source, step, length) => source.map((_, i) => {
    const place = Math.floor(i / step) % length;
    let sum = 0;
    for (let k = Math.max(-reach, -place); k <= Math.min(reach, length - 1 - place); k++) sum += weights[k + reach] * source[i + k * step];
    return sum / total;
  });
  return pass(pass(values, 1, width), width, height);
}
