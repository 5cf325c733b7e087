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

/** First source pixel and weights of each pixel of a line of another length. */
function taps(length, target, [reach, kernel]) {
  const scale = length / target;
  const wide = Math.max(1, scale);
  return Array.from({ length: target }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach * wide + 0.5));
    const end = Math.min(length, Math.trunc(centre + reach * wide + 0.5));
    const weights = [];
    for (let at = first; at < end; at++) weights.push(kernel((at - centre + 0.5) / wide));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

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
  const across = alongRows(source, taps(source.width, width, kernel));
  return alongColumns(across, taps(source.height, height, kernel));
}

/** The same for whole levels, 0 to 255, which Pillow rounds after each axis. */
export function resizeLevels(source, width, height, kernel) {
  const rounded = (one) => ({ ...one, data: one.data.map((v) => Math.min(255, Math.max(0, Math.floor(v + 0.5)))) });
  const across = rounded(alongRows(source, taps(source.width, width, kernel)));
  return rounded(alongColumns(across, taps(source.height, height, kernel)));
}

function straightLines(source, [a, b, c, d, e, f], width, height) {
  const result = plane(width, height);
  const clampX = (x) => Math.min(source.width - 1, Math.max(0, x));
  const clampY = (y) => Math.min(source.height - 1, Math.max(0, y));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = a * (x + 0.5) + b * (y + 0.5) + c;
      const v = d * (x + 0.5) + e * (y + 0.5) + f;
      if (u < 0 || v < 0 || u >= source.width || v >= source.height) continue;
      const [left, top] = [Math.floor(u - 0.5), Math.floor(v - 0.5)];
      const [across, down] = [u - 0.5 - left, v - 0.5 - top];
      const [x0, x1] = [clampX(left), clampX(left + 1)];
      const [r0, r1] = [clampY(top) * source.width, clampY(top + 1) * source.width];
      const upper = source.data[r0 + x0] * (1 - across) + source.data[r0 + x1] * across;
      const lower = source.data[r1 + x0] * (1 - across) + source.data[r1 + x1] * across;
      result.data[y * width + x] = upper * (1 - down) + lower * down;
    }
  }
  return result;
}

/** A plane at affine places; 0 outside of it. */
export function sample(source, sourceFromTarget, width, height) {
  const step = Math.hypot(sourceFromTarget[0], sourceFromTarget[3]);
  const reduction = Math.max(1, Math.floor(step));
  const reduced = reduction > 1 ? reduceBy(source, reduction) : source;
  const zoom = step >= 0.5 ? 2 : Math.min(8, Math.ceil(1 / step));
  const enlarged = resize(reduced, reduced.width * zoom, reduced.height * zoom, BICUBIC);
  const matrix = sourceFromTarget.map((value) => (value * zoom) / reduction);
  return straightLines(enlarged, matrix, width, height);
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
