// The template of a face, and how it is laid over landmarks: as reggan_plugin/rig/
// (dense_landmarks.py, template_fit.py) does it. Points are flat arrays: x, y, z of one, then of the next.

const PAIRED = { lid_upper: 13, lid_lower: 11, iris: 8, pupil: 1, brow: 9, cheek: 6, temple: 2, nostril: 2 };
const MIDDLE = { lip_outer_upper: 13, lip_outer_lower: 11, lip_inner_upper: 11, lip_inner_lower: 9,
  bridge: 4, nose: 2, jaw: 15, forehead: 5 };
const ROWS = {};
let count = 0;
const addRows = (name, length) => (ROWS[name] = Array.from({ length }, () => count++));
for (const [name, length] of Object.entries(PAIRED)) {
  for (const side of ["right", "left"]) addRows(`${name} ${side}`, length);
}
for (const [name, length] of Object.entries(MIDDLE)) addRows(name, length);

/** Rows of a group of landmarks, of a side where there are two. */
export const rowsOf = (name, side) => ROWS[side ? `${name} ${side}` : name];
export const eyeRows = (side) => [...rowsOf("lid_upper", side), ...rowsOf("lid_lower", side)];
/** Rows of the inner lips without the corners: upper ones, and the lower ones under them. */
export const UPPER = rowsOf("lip_inner_upper").slice(1, -1);
export const LOWER = [...rowsOf("lip_inner_lower")].reverse();

/** Pairs of edges that may meet: lids of both eyes, lips. */
const EDGES = [...["right", "left"].map((side) =>
  [rowsOf("lid_upper", side).slice(1, -1), [...rowsOf("lid_lower", side)].reverse()]), [UPPER, LOWER]];

const [SPREAD, LEAST_SIGMA, SOFT, SMOOTH] = [0.1, 0.003, 0.01, 0.25];
const [SHUTS, OPEN, NO_GAP, NEAR] = [0.25, 0.75, 0.03, 0.12];
const TIGHT = { lid_upper: 0.5, lid_lower: 0.5, lip_outer_upper: 0.7, lip_outer_lower: 0.7 };
const MOUTH = [["jawOpen"], ["mouthLowerDownLeft", "mouthLowerDownRight"], ["mouthUpperUpLeft", "mouthUpperUpRight"]];
const LID_RIM = 0.05;  // eye distances over which the network adds motion
const OF_JAW = 0.4;  // of the jaw's motion: beside the mouth, from there on a vertex goes with it
const MOUTH_RIDGE = [0.05, 0.3, 0.3];

export const clip = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));
export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
export const cross = ([a, b, c], [d, e, f]) => [b * f - c * e, c * d - a * f, a * e - b * d];
export const scaled = (a, factor) => a.map((value) => value * factor);
export const unit = (a) => scaled(a, 1 / Math.max(Math.sqrt(dot(a, a)), 1e-12));
export const between = (a, b, share) => a.map((value, i) => value + share * (b[i] - value));
export const meanOf = (points) => scaled(points.reduce((a, b) => a.map((v, i) => v + b[i])), 1 / points.length);
const distance = (a, b) => Math.hypot(...a.map((value, i) => value - b[i]));
/** The value at a place of a line, in straight lines between rising places; ends go on level. */
export function interpolated(at, places, values) {
  const next = places.findIndex((place) => place >= at);
  if (next <= 0) return next ? values.at(-1) : values[0];
  const share = (at - places[next - 1]) / (places[next] - places[next - 1]);
  return values[next - 1] + share * (values[next] - values[next - 1]);
}
/** Bilinear value of a channel of a square of planes, { side, data }, at a place in parts of its side. */
export function sampled({ side, data }, channel, [u, v]) {
  const [x, y] = [u, v].map((value) => clip(value * side - 0.5, 0, side - 1.001));
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const at = (channel * side + top) * side + left;
  const along = (from) => data[from] + (x - left) * (data[from + 1] - data[from]);
  return along(at) + (y - top) * (along(at + side) - along(at));
}
/** A row of a flat array. */
export const rowAt = (values, row, size = 3) => Array.from(values.subarray(size * row, size * (row + 1)));

/** Solve a linear system for several right-hand sides, a row for each equation: Gauss, with pivots. */
function solve(system, sides) {
  const size = system.length;
  const rows = system.map((row, i) => Float64Array.from([...row, ...sides[i]]));
  const width = rows[0].length;
  for (let k = 0; k < size; k++) {
    let best = k;
    for (let i = k + 1; i < size; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[best][k])) best = i;
    [rows[k], rows[best]] = [rows[best], rows[k]];
    for (let i = k + 1; i < size; i++) {
      const share = rows[i][k] / rows[k][k];
      if (share) for (let j = k; j < width; j++) rows[i][j] -= share * rows[k][j];
    }
  }
  for (let k = size - 1; k >= 0; k--) {
    for (let j = size; j < width; j++) {
      for (let i = k + 1; i < size; i++) rows[k][j] -= rows[k][i] * rows[i][j];
      rows[k][j] /= rows[k][k];
    }
  }
  return rows.map((row) => Array.from(row.subarray(size)));
}

/** Least squares with a ridge: `rows` of a system, one value for each, the ridge of each unknown. */
export function leastSquares(rows, values, ridge) {
  const square = ridge.map((own, i) => ridge.map((_, j) => rows.reduce((sum, row) => sum + row[i] * row[j], i === j ? own : 0)));
  return solve(square, ridge.map((_, i) => [rows.reduce((sum, row, k) => sum + row[i] * values[k], 0)])).map(([x]) => x);
}

/** A mean face with ARKit's shapes; unit: eye distances, x to its own left, y up, z to the front. */
export class Template {
  constructor(arrays) {
    const of = (name) => arrays[name].data;
    Object.assign(this, { rest: of("rest"), triangles: of("triangles"), landmarks: of("landmark_rest"),
      rows: of("landmark_rows"), weights: of("landmark_weights") });
    for (const name of ["keep", "jaw"]) this[name] = Float32Array.from(of(name), (v) => v / 255);
    const [size, names, meant] = [this.rest.length, of("names"), of("shapes")];
    this.conventions = of("conventions").length;
    const mean = Float32Array.from({ length: names.length * size }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < this.conventions; k++) sum += meant[k * names.length * size + i];
      return sum / this.conventions;
    });
    this.shapes = Object.fromEntries(names.map((name, i) => [name, {
      scale: of("scales")[i], data: mean.subarray(i * size, (i + 1) * size),
      meant: Array.from({ length: this.conventions }, (_, k) => meant.subarray((k * names.length + i) * size, (k * names.length + i + 1) * size)),
    }]));
    const inMiddle = this.atLandmarks(this.jaw, 1);
    const order = UPPER.map((_, i) => i).sort((i, k) => this.landmarks[3 * UPPER[i]] - this.landmarks[3 * UPPER[k]]);
    const [x, bound] = [order.map((i) => this.landmarks[3 * UPPER[i]]), order.map((i) => (inMiddle[UPPER[i]] + inMiddle[LOWER[i]]) / 2)];
    /** Whether each vertex goes with the jaw rather than with the skull. */
    this.isLower = Array.from(this.jaw, (own, v) => {
      const at = this.rest[3 * v];
      return own >= (at < x[0] || at > x.at(-1) ? OF_JAW : interpolated(at, x, bound));
    });
  }

  /** For each of the openings in `EDGES`: 1 on its edges, 0 away from them, a number each vertex. */
  get nearEdges() {
    this.near ??= EDGES.map((edges) => Float32Array.from({ length: this.rest.length / 3 }, (_, i) => {
      const squares = edges.flat().map((row) => [0, 1, 2].reduce((sum, k) =>
        sum + (this.rest[3 * i + k] - this.landmarks[3 * row + k]) ** 2, 0));
      return Math.exp(-Math.min(...squares) / NEAR ** 2);
    }));
    return this.near;
  }

  /** 0 on the edges of lids, 1 away from them, a number each vertex. */
  get awayFromLids() {
    const rows = ["lid_upper", "lid_lower"].flatMap((name) => ["right", "left"].flatMap((side) => rowsOf(name, side)));
    this.away ??= Float32Array.from({ length: this.rest.length / 3 }, (_, v) => {
      const squares = rows.map((row) => [0, 1, 2].reduce((sum, k) => sum + (this.rest[3 * v + k] - this.landmarks[3 * row + k]) ** 2, 0));
      return 1 - Math.exp(-Math.min(...squares) / LID_RIM ** 2);
    });
    return this.away;
  }

  /** Motion of the vertices for weights of shapes. */
  displacement(weights) {
    const total = new Float32Array(this.rest.length);
    for (const [name, weight] of Object.entries(weights)) {
      const shape = this.shapes[name];
      if (!weight || !shape) continue;
      for (let i = 0; i < total.length; i++) total[i] += weight * shape.scale * shape.data[i];
    }
    return total;
  }

  /** What each convention adds to `displacement`. */
  conventionsOf(weights) {
    const totals = Array.from({ length: this.conventions }, () => new Float32Array(this.rest.length));
    for (const [name, weight] of Object.entries(weights)) {
      const shape = this.shapes[name];
      if (!weight || !shape) continue;
      totals.forEach((total, k) => {
        for (let i = 0; i < total.length; i++) total[i] += weight * shape.scale * (shape.meant[k][i] - shape.data[i]);
      });
    }
    return totals;
  }

  /** Values of vertices, `size` numbers each, at the landmarks. */
  atLandmarks(values, size = 3) {
    return Float32Array.from({ length: size * this.landmarks.length / 3 }, (_, i) => {
      const [point, axis] = [Math.floor(i / size), i % size];
      return [0, 1, 2].reduce((sum, k) =>
        sum + this.weights[3 * point + k] * values[size * this.rows[3 * point + k] + axis], 0);
    });
  }

  /** Unit normals of vertices at such points, by the areas of the triangles around. */
  normals(points) {
    const total = new Float32Array(points.length);
    for (let t = 0; t < this.triangles.length; t += 3) {
      const [a, b, c] = [0, 1, 2].map((k) => 3 * this.triangles[t + k]);
      const [px, py, pz] = [points[b] - points[a], points[b + 1] - points[a + 1], points[b + 2] - points[a + 2]];
      const [qx, qy, qz] = [points[c] - points[a], points[c + 1] - points[a + 1], points[c + 2] - points[a + 2]];
      const [x, y, z] = [py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx];
      for (const at of [a, b, c]) {
        total[at] += x;
        total[at + 1] += y;
        total[at + 2] += z;
      }
    }
    for (let i = 0; i < total.length; i += 3) {
      const length = Math.max(Math.sqrt(total[i] ** 2 + total[i + 1] ** 2 + total[i + 2] ** 2), 1e-12);
      for (let k = i; k < i + 3; k++) total[k] /= length;
    }
    return total;
  }
}

export const added = (a, b, share = 1) => a.map((value, i) => value + share * b[i]);

const kernel = (x, y, z) => Math.sqrt(x * x + y * y + z * z + SOFT * SOFT);

/** The smooth map from the template's space to the crop: affine, and a bend through the anchors. */
class FaceMap {
  constructor(anchors, targets, noise) {
    const size = anchors.length;
    const flat = anchors.map((anchor) => [...anchor, 1]);
    const certain = noise.map((one) => 1 / (one + 0.02) ** 2);  // what the pose is read from, before the bending
    const total = certain.reduce((a, b) => a + b);
    const sums = (values) => [0, 1, 2, 3].map((i) => values[0].map((_, j) =>
      flat.reduce((sum, row, k) => sum + row[i] * certain[k] * values[k][j], 0)));
    const square = sums(flat).map((row, i) => row.map((value, j) => value + (i === j ? 1e-6 * total : 0)));
    const affine = solve(square, sums(targets));
    const system = anchors.map(([x, y, z], i) => [
      ...anchors.map(([u, v, w], j) => (i === j ? (noise[i] / SPREAD) ** 2 : 0) - kernel(x - u, y - v, z - w)), ...flat[i]]);
    for (let i = 0; i < 4; i++) {
      system.push([...flat.map((row) => row[i]), ...[0, 1, 2, 3].map((j) => (i === j ? -1e-6 : 0))]);
    }
    const left = targets.map((target, i) => target.map((value, k) => value - dot(flat[i], affine.map((row) => row[k]))));
    const solved = solve(system, [...left, ...Array(4).fill([0, 0])]);
    this.anchors = Float64Array.from(anchors.flat());
    this.warp = Float64Array.from(solved.slice(0, size).flat());
    this.affine = affine.map((row, i) => added(row, solved[size + i]));
    const [right, down] = [0, 1].map((k) => this.affine.slice(0, 3).map((row) => row[k]));
    this.eye = Math.sqrt(Math.hypot(...right) * Math.hypot(...down));  // an eye distance in the crop
    this.towards = scaled(unit(cross(right, down)), -this.eye);  // larger along it: nearer
  }

  /** Places of points: x and y in parts of the crop's side, and nearness. Those that are where they
   * were `before`, { points, places }, are not computed again. */
  places(points, before) {
    const { anchors, warp, towards } = this;
    const [[ax, ay], [bx, by], [cx, cy], [dx, dy]] = this.affine;
    const result = new Float32Array(points.length);
    for (let i = 0; i < points.length; i += 3) {
      const [x, y, z] = [points[i], points[i + 1], points[i + 2]];
      if (before && x === before.points[i] && y === before.points[i + 1] && z === before.points[i + 2]) {
        for (let k = i; k < i + 3; k++) result[k] = before.places[k];
        continue;
      }
      let right = x * ax + y * bx + z * cx + dx;
      let down = x * ay + y * by + z * cy + dy;
      for (let a = 0, w = 0; a < anchors.length; a += 3, w += 2) {
        const far = kernel(x - anchors[a], y - anchors[a + 1], z - anchors[a + 2]);
        right -= far * warp[w];
        down -= far * warp[w + 1];
      }
      result[i] = right;
      result[i + 1] = down;
      result[i + 2] = x * towards[0] + y * towards[1] + z * towards[2];
    }
    return result;
  }

  /** The same of one point. */
  place(point) {
    return Array.from(this.places(Float32Array.from(point)));
  }
}

/** How far the middles of both eyes are apart. */
export const eyeDistanceOf = (places) =>
  Math.max(1e-6, distance(...["left", "right"].map((side) => meanOf(eyeRows(side).map((row) => places[row])))));

/** Lay the template over landmarks, [x, y] in parts of the crop's side with their deviations:
 * the map, and the motion that the source wears, a mouth that is open. */
export function fit(template, places, sigma) {
  const eye = eyeDistanceOf(places);
  const weights = wornMouth(template, places);
  const worn = template.displacement(weights);
  const anchors = added(template.landmarks, template.atLandmarks(worn));
  const leftOut = new Set(["right", "left"].flatMap((side) => [...rowsOf("iris", side), ...rowsOf("pupil", side)]));
  const factor = new Array(count).fill(1);
  for (const [name, own] of Object.entries(TIGHT)) {
    for (const side of PAIRED[name] ? ["right", "left"] : [undefined]) rowsOf(name, side).forEach((row) => (factor[row] = own));
  }
  const noise = sigma.map((one, row) => Math.max((one / eye) * factor[row], LEAST_SIGMA));
  // Two points of closed lips count as one: no smooth map can part them.
  const shut = new Map(UPPER.map((row, i) => [row, LOWER[i]]).filter(([u, v]) => distance(places[u], places[v]) < 0.02 * eye));
  for (const row of shut.values()) leftOut.add(row);
  const groups = places.map((_, row) => (shut.has(row) ? [row, shut.get(row)] : [row])).filter((_, row) => !leftOut.has(row));
  const mean = (values) => groups.map((rows) => meanOf(rows.map((row) => values(row))));
  const [from, to] = [mean((row) => rowAt(anchors, row)), mean((row) => places[row])];
  const map = new FaceMap(from, to, mean((row) => [noise[row]]).flat());
  return { map, smooth: new FaceMap(from, to, from.map(() => SMOOTH)), worn, jawOpen: weights.jawOpen ?? 0 };
}

/** Places of `points` after a change: motion goes through the smoother map, that of points which
 * close in on another edge, `closing` 1, through the map. `here` and `smoothHere` are where the maps
 * have the points. */
export function movedPlaces(laid, points, change, closing, here, smoothHere) {
  const after = added(points, change);
  const there = laid.map.places(after, { points, places: here });
  const smooth = laid.smooth.places(after, { points, places: smoothHere });
  closing.forEach((share, i) => {
    for (const k of [3 * i, 3 * i + 1]) there[k] = here[k] + (1 - share) * (smooth[k] - smoothHere[k]) + share * (there[k] - here[k]);
  });
  return there;
}

/** How far each vertex and each landmark belongs to lids or lips that a change shuts, 0 to 1. */
export function closingEdges(template, laid, change) {
  const marks = added(template.landmarks, template.atLandmarks(laid.worn));
  const [before, after] = [marks, added(marks, template.atLandmarks(change))].map((points) => laid.map.places(points));
  const gap = (places, [upper, lower]) => Math.max(...upper.map((row, i) =>
    Math.hypot(places[3 * row] - places[3 * lower[i]], places[3 * row + 1] - places[3 * lower[i] + 1]))) / laid.map.eye;
  const shut = EDGES.map((edges, opening) => {
    const [start, end] = [before, after].map((places) => gap(places, edges));
    if (opening === EDGES.length - 1 && start < NO_GAP) return 0;  // closed lips may part
    const closes = 1 - clip((end / Math.max(start, 1e-6) - SHUTS) / (OPEN - SHUTS));
    return opening === EDGES.length - 1 ? closes : Math.max(closes, 1 - clip(start / NO_GAP - 1));
  });
  const vertices = Float32Array.from(template.nearEdges[0], (_, i) => Math.max(...shut.map((one, k) => one * template.nearEdges[k][i])));
  return { vertices, marks: template.atLandmarks(vertices, 1) };
}

/** Weights of the shapes that hold the source's mouth open, from the gaps between its lips. */
function wornMouth(template, places) {
  const corners = rowsOf("lip_inner_upper").filter((_, i, rows) => i === 0 || i === rows.length - 1);
  const wide = Math.max(1e-6, distance(places[corners[0]], places[corners[1]]));
  const gaps = UPPER.map((row, i) => distance(places[row], places[LOWER[i]]) / wide);
  if (Math.max(...gaps) < 0.04) return {};
  const rest = template.landmarks;
  const scale = distance(...corners.map((row) => rowAt(rest, row)));
  const apart = (points) => UPPER.map((row, i) => (points[3 * row + 1] - points[3 * LOWER[i] + 1]) / scale);
  const columns = MOUTH.map((names) =>
    apart(template.atLandmarks(template.displacement(Object.fromEntries(names.map((name) => [name, 1]))))));
  const missing = apart(rest).map((own, i) => gaps[i] - Math.max(own, 0));
  const size = meanOf(columns.flat().map((value) => [Math.abs(value)]))[0] * gaps.length * 0.1;
  const weightsOf = (used) => leastSquares(gaps.map((_, i) => used.map((k) => columns[k][i])), missing,
    used.map((k) => MOUTH_RIDGE[k] * size));
  const used = weightsOf([0, 1, 2]).flatMap((weight, k) => (weight > 0.02 ? [k] : []));
  if (!used.length) return {};
  const found = weightsOf(used);
  return Object.fromEntries(used.flatMap((k, i) => MOUTH[k].map((name) => [name, clip(found[i], 0, 1.2)])));
}
