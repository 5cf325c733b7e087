// Where the face is: a square crop of a model's size, placed by eyes and corners of the mouth.

import { block, sample, shrunk } from "./resampling.js";
import { clip } from "./rig.js";

const MARGIN_PX = 4;
const STRETCHED = 3;  // of its way: how far from a frame's border skin goes all of it
const BOX_SIDE = 2.6;  // of a face, in eye distances
const ALIGNED = ["left_eye", "right_eye", "mouth_left", "mouth_right"];

export class Crop {
  /** `matrix` maps the crop's pixels to the frame's; `side` is the crop's side in pixels. */
  constructor(matrix, side) {
    this.matrix = matrix;
    this.side = side;
    this.scale = Math.hypot(matrix[0], matrix[3]);
  }

  place(x, y) {
    const [a, b, c, d, e, f] = this.matrix;
    return [a * x + b * y + c, d * x + e * y + f];
  }

  moved(x, y) {
    const [a, b, c, d, e, f] = this.matrix;
    return new Crop([a, b, c + x, d, e, f + y], this.side);
  }

  /** The same square, counted in so many cells a side. */
  inCells(cells) {
    const [a, b, c, d, e, f] = this.matrix;
    const s = this.side / cells;
    return new Crop([a * s, b * s, c, d * s, e * s, f], cells);
  }

  /** A square inside the crop, in parts of its side, in so many cells. */
  window([left, top, right], cells) {
    const [a, b, , d, e] = this.matrix;
    const [c, f] = this.place(left * this.side, top * this.side);
    const s = ((right - left) * this.side) / cells;
    return new Crop([a * s, b * s, c, d * s, e * s, f], cells);
  }

  inverse() {
    const [a, b, c, d, e, f] = this.matrix;
    const det = a * e - b * d;
    return [e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det];
  }

  /** Smallest and largest place of its corners, `margin` pixels further out. */
  bounds(margin) {
    const s = this.side;
    const corners = [[0, 0], [s, 0], [s, s], [0, s]].map(([x, y]) => this.place(x, y));
    const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
    return {
      left: Math.floor(Math.min(...xs)) - margin,
      top: Math.floor(Math.min(...ys)) - margin,
      right: Math.ceil(Math.max(...xs)) + margin,
      bottom: Math.ceil(Math.max(...ys)) + margin,
    };
  }

  get margin() {
    return Math.ceil(MARGIN_PX * Math.max(1, this.scale));
  }

  /** The box of its face in the frame: [x, y, width, height]. */
  faceBox(canonical) {
    const { centre, size } = boxOf(placesOf(canonical, this.side).map((place) => this.place(...place)));
    return [centre[0] - size / 2, centre[1] - size / 2, size, size];
  }

  /** The part of a frame that it covers: { left, top, width, height }. */
  region(width, height) {
    const { left, top, right, bottom } = this.bounds(this.margin);
    const [x0, x1] = [Math.max(0, left), Math.min(width, right)];
    const [y0, y1] = [Math.max(0, top), Math.min(height, bottom)];
    return { left: x0, top: y0, width: Math.max(0, x1 - x0), height: Math.max(0, y1 - y0) };
  }

  /** What the model sees of a plane of the frame. */
  cut(source) {
    const { left, top, right, bottom } = this.bounds(this.margin);
    const part = [source, left, top, right - left, bottom - top];
    const matrix = this.moved(-left, -top).matrix;
    if (this.scale <= 1) return sample(block(...part), matrix, this.side, this.side);
    return sample(shrunk(...part, this.scale), matrix.map((value) => value / this.scale), this.side, this.side);
  }

  /** Where a place of the crop goes that was elsewhere, in parts of its side, in a frame of so many
   * pixels: what lies at the frame's border stays there, for nothing beyond it is known. */
  held(was, now, size) {
    const [from, to] = [was, now].map(([x, y]) => this.place(x * this.side, y * this.side));
    const [x, y] = to.map((end, axis) => {
      const goes = end - from[axis];
      const depth = goes > 0 ? from[axis] : size[axis] - from[axis];
      return from[axis] + goes * clip(depth / Math.max(STRETCHED * Math.abs(goes), 1e-9));
    });
    const [a, b, c, d, e, f] = this.inverse();
    return [(a * x + b * y + c) / this.side, (d * x + e * y + f) / this.side];
  }

  /** A plane that spans the crop, at the pixels of a region of the frame. */
  spread(values, region) {
    const placed = this.inCells(values.width).moved(-region.left, -region.top);
    return sample(values, placed.inverse(), region.width, region.height);
  }
}

/** The crop in which four points come closest to where a model expects them. */
export function cropFromPoints(points, canonical, side) {
  const source = placesOf(canonical, side);
  const mean = (list, axis) => list.reduce((sum, point) => sum + point[axis], 0) / list.length;
  const [sx, sy, tx, ty] = [mean(source, 0), mean(source, 1), mean(points, 0), mean(points, 1)];
  let [real, imaginary, norm] = [0, 0, 0];
  source.forEach(([x, y], index) => {
    const [u, v] = [x - sx, y - sy];
    const [p, q] = [points[index][0] - tx, points[index][1] - ty];
    real += u * p + v * q;
    imaginary += u * q - v * p;
    norm += u * u + v * v;
  });
  const [a, b] = [real / norm, imaginary / norm];
  return new Crop([a, -b, tx - a * sx + b * sy, b, a, ty - b * sx - a * sy], side);
}

/** The crop in which a model's own face fills a box, [x, y, width, height]: brows to below the chin. */
export function cropFromBox([x, y, width, height], canonical, side) {
  const { centre, size } = boxOf(placesOf(canonical, side));
  const scale = (width + height) / 2 / size;
  return new Crop([scale, 0, x + width / 2 - scale * centre[0], 0, scale, y + height / 2 - scale * centre[1]], side);
}

const placesOf = (canonical, side) => ALIGNED.map((name) => canonical[name].map((value) => value * side));

/** Middle and side of the box around eyes and mouth. */
function boxOf(points) {
  const centre = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
  return { centre, size: BOX_SIDE * Math.hypot(points[0][0] - points[1][0], points[0][1] - points[1][1]) };
}
