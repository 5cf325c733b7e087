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

function bicubic(x) {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** First source pixel and weights of each pixel of an enlarged line. */
function taps(length, zoom) {
  return Array.from({ length: length * zoom }, (_, index) => {
    const centre = (index + 0.5) / zoom;
    const first = Math.max(0, Math.trunc(centre - 1.5));
    const end = Math.min(length, Math.trunc(centre + 2.5));
    const weights = [];
    for (let at = first; at < end; at++) weights.push(bicubic(at - centre + 0.5));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** A plane whose pixels are weighted sums along its lines: across, then down. */
function alongLines(source, across, down) {
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

/** Enlarge by a whole factor with a bicubic kernel. */
export const enlarge = (source, zoom) =>
  alongLines(source, taps(source.width, zoom), taps(source.height, zoom));

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

/** Pixels of a line and their weights for each pixel of a shorter one, with Pillow's Hamming kernel. */
function shorterTaps(length, target) {
  const scale = length / target;
  const kernel = (x) => (x ? (Math.sin(Math.PI * x) / (Math.PI * x)) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 1);
  return Array.from({ length: target }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - scale + 0.5));
    const end = Math.min(length, Math.trunc(centre + scale + 0.5));
    const weights = [];
    for (let at = first; at < end; at++) weights.push(kernel(Math.min(1, Math.abs((at - centre + 0.5) / scale))));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** A plane at a smaller size. */
export function resize(source, width, height) {
  return alongLines(source, shorterTaps(source.width, width), shorterTaps(source.height, height));
}

/** A plane at affine places; 0 outside of it. */
export function sample(source, sourceFromTarget, width, height) {
  const step = Math.hypot(sourceFromTarget[0], sourceFromTarget[3]);
  const reduction = Math.max(1, Math.floor(step));
  const reduced = reduction > 1 ? reduceBy(source, reduction) : source;
  const zoom = step >= 0.5 ? 2 : Math.min(8, Math.ceil(1 / step));
  const matrix = sourceFromTarget.map((value) => (value * zoom) / reduction);
  return straightLines(enlarge(reduced, zoom), matrix, width, height);
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
