// Eyes: what is seen of an eyeball as its lids move and as it turns, as reggan_plugin/rig/eyes.py has it.

import { continued } from "./backdrop.js";
import { percentile, plane } from "./planes.js";
import { added, clip, dot, eyeRows, leastSquares, meanOf, between, rowsOf } from "./rig.js";

const [LEAST_MOTION, SHUT, RINGS, LEAST_SEEN] = [0.004, 0.012, 24, 12];
const [SIDEWAYS, UP, DOWN] = [0.105, 0.085, 0.105];
const [MOST_SHADE, SHADE_REACH, FEWEST] = [0.5, 0.035, 8];
const [MARGIN, EDGE, BESIDE] = [0.12, 0.008, 0.03];  // eye distances

/** A smooth line through places, their ends included (Catmull and Rom). */
function smoothArc(corners, finer = 6) {
  const mirrored = (end, next) => end.map((value, k) => 2 * value - next[k]);
  const wide = [mirrored(corners[0], corners[1]), ...corners, mirrored(corners.at(-1), corners.at(-2))];
  const line = corners.slice(1).flatMap((_, i) => Array.from({ length: finer }, (_, step) => {
    const [a, b, c, d] = wide.slice(i, i + 4);
    const t = step / finer;
    return b.map((_, k) => 0.5 * (2 * b[k] + (c[k] - a[k]) * t + (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t * t
      + (3 * b[k] - a[k] - 3 * c[k] + d[k]) * t ** 3));
  }));
  return [...line, corners.at(-1)];
}

/** Smooth edges of the lids of an eye, or of lips: both from one corner to the other. */
export class Edges {
  constructor(upper, lower, { right, down }) {
    Object.assign(this, { upper, lower, right, down });
  }

  static ofEye(marks, side, axes) {
    const loop = eyeRows(side).map((row) => marks[row]);
    return new Edges(loop.slice(0, 13), [...loop.slice(12), loop[0]].reverse(), axes);
  }

  /** Where less than `least` is between them, they meet; `shareOf` a gap is how much of it stays open. */
  parted(least, shareOf = (gap) => (gap - least) / Math.max(least, 1e-9)) {
    const pairs = this.upper.map((upper, i) => {
      const lower = this.lower[i];
      const [meeting, share] = [between(upper, lower, 0.5), clip(shareOf(dot(added(lower, upper, -1), this.down)))];
      return [between(meeting, upper, share), between(meeting, lower, share)];
    });
    return new Edges(pairs.map(([upper]) => upper), pairs.map(([, lower]) => lower), this);
  }

  smooth() {
    return new Edges(smoothArc(this.upper), smoothArc(this.lower), this);
  }

  /** Largest distance between the edges. */
  get widest() {
    return Math.max(...this.upper.map((upper, i) => Math.hypot(...added(upper, this.lower[i], -1))));
  }

  /** How far a place is below the upper edge and above the lower one; negative: outside. */
  from(place) {
    this.lines ??= [this.upper, this.lower].map((line) =>
      line.map((one) => [dot(one, this.right), dot(one, this.down)]).sort(([a], [b]) => a - b));
    const [x, y] = [dot(place, this.right), dot(place, this.down)];
    const [top, bottom] = this.lines.map((line) => {
      const next = line.findIndex(([along]) => along >= x);
      if (next <= 0) return next ? line.at(-1)[1] : line[0][1];
      const [[u, v], [p, q]] = [line[next - 1], line[next]];
      return v + ((x - u) / Math.max(p - u, 1e-9)) * (q - v);
    });
    const isBeside = x < this.lines[0][0][0] || x > this.lines[0].at(-1)[0];
    return { below: y - top, above: isBeside ? -1 : bottom - y };
  }
}

/** Way of the iris for the `eyeLook` shapes: to the picture's right, and down, in eye distances. */
export function gazeOf(weights, side) {
  const weight = (direction) => weights[`eyeLook${direction}${side === "left" ? "Left" : "Right"}`] ?? 0;
  return [SIDEWAYS * (side === "left" ? 1 : -1) * (weight("Out") - weight("In")), DOWN * weight("Down") - UP * weight("Up")];
}

/** The eyeball as if there were no lids before it: its own pixels where they are seen, beyond them
 * an iris with the rings of its visible part, and the white that goes on. `pixels` have how far each
 * is seen as their alpha; `dark` is how dark the upper lid makes what is under it. */
export function completedEye(cut, before, iris, eye) {
  const places = [...before.upper, ...before.lower];
  const [low, high] = [Math.min, Math.max].map((pick) => [0, 1].map((k) => pick(...places.map((place) => place[k]))));
  const reach = Math.max(high[0] - low[0], high[1] - low[1]) / 2 + MARGIN * eye;
  const [left, top] = between(low, high, 0.5).map((middle) => middle - reach);
  const window = [left, top, left + 2 * reach];
  const own = cut(window);
  const side = own[0].width;
  const centre = meanOf(iris);
  const turns = iris.map((_, k) => [Math.cos(k * Math.PI / 4), Math.sin(k * Math.PI / 4)]);
  const [[a, c], [b, d]] = [0, 1].map((k) => leastSquares(turns, iris.map((place) => place[k] - centre[k]), [0, 0]))
    .reduce(([p, q], [u, v]) => [[...p, u], [...q, v]], [[], []]);
  const det = a * d - b * c || 1e-9;
  const smooth = before.smooth();
  const [ring, seen, depth] = [plane(side, side), plane(side, side), new Float32Array(side * side)];
  ring.data.forEach((_, i) => {
    const place = [left + ((i % side) + 0.5) * 2 * reach / side, top + (Math.floor(i / side) + 0.5) * 2 * reach / side];
    const [x, y] = added(place, centre, -1);
    ring.data[i] = Math.hypot((d * x - b * y) / det, (a * y - c * x) / det);  // 1 on the iris's edge
    const { below, above } = smooth.from(place);
    depth[i] = below / (SHADE_REACH * eye);
    seen.data[i] = clip((Math.min(below, above) / eye - EDGE) / EDGE + 0.5);
  });
  const isSeen = (i) => seen.data[i] > 0.5;
  const indices = [...seen.data.keys()].filter(isSeen);
  const pixels = new Uint8Array(4 * side * side);
  if (indices.length < LEAST_SEEN) return { window, side, pixels, dark: 0 };
  const beyond = (least) => indices.filter((i) => ring.data[i] > least);
  const white = [beyond(1.12), beyond(0.9), indices].find((some) => some.length >= 8) ?? indices;
  const hidden = { ...seen, data: seen.data.map(() => 1) };
  for (const i of white) hidden.data[i] = 0;
  const profiles = own.map((one) => profileOf(one, ring, indices));
  continued(own, hidden).forEach((ball, channel) => ball.data.forEach((value, i) => {
    const share = clip((1.12 - ring.data[i]) / 0.16);
    const drawn = value + share * ((profiles[channel]?.(ring.data[i]) ?? value) - value);
    pixels[4 * i + channel] = Math.round(255 * clip(drawn + seen.data[i] * (own[channel].data[i] - drawn)));
    pixels[4 * i + 3] = Math.round(255 * seen.data[i]);
  }));
  const median = (isNear) => {
    const values = indices.filter((i) => isNear(depth[i])).map((i) => pixels[4 * i] + pixels[4 * i + 1] + pixels[4 * i + 2]);
    return values.length < FEWEST ? NaN : percentile(Float32Array.from(values), 0.5);
  };
  const dark = 1 - median((far) => far < 0.8) / Math.max(median((far) => far > 1.8), 0.75);
  return { window, side, pixels, dark: clip(dark || 0, 0, MOST_SHADE) };
}

/** Medians of rings about the iris, in straight lines between those that are seen. */
function profileOf(own, ring, indices) {
  const rings = Array.from({ length: RINGS }, () => []);
  for (const i of indices) {
    if (ring.data[i] < 1.2) rings[Math.min(RINGS - 1, Math.floor(ring.data[i] * RINGS / 1.2))].push(own.data[i]);
  }
  const known = rings.flatMap((values, at) => (values.length ? [[at, percentile(Float32Array.from(values), 0.5)]] : []));
  if (!known.length) return null;
  return (where) => {
    const at = clip(where * RINGS / 1.2 - 0.5, known[0][0], known.at(-1)[0]);
    const next = Math.max(1, known.findIndex(([place]) => place >= at));
    if (known.length < 2) return known[0][1];
    const [[from, low], [to, high]] = [known[next - 1], known[next]];
    return low + (high - low) * (at - from) / (to - from);
  };
}

/** What to draw of an eye between moved lids, null if nothing of it changes. */
export function changedEye(before, moved, gaze, eye) {
  const after = moved.parted(SHUT * eye);
  const shift = Math.max(...["upper", "lower"].flatMap((edge) =>
    after[edge].flatMap((place, i) => added(place, before[edge][i], -1).map(Math.abs))));
  const turned = Math.max(...gaze.map(Math.abs)) >= 1e-3;
  if (shift < LEAST_MOTION * eye && !turned) return null;
  const way = between(after.right.map(() => 0), added(after.right.map((v) => v * gaze[0]), after.down, gaze[1]), eye);
  return { lids: lidSkin(before, moved, eye), ball: after.widest < 1e-4 ? null : ballStrip(before.smooth(), after.smooth()), turned, way };
}

/** Skin for what the mesh leaves open behind the edges of lids: each lid's own goes on to where they
 * meet, so that a slit shows no eyeball. As vertices of mesh.js. */
function lidSkin(before, moved, eye) {
  const [from, to] = [before.smooth(), moved.smooth()];
  return [["upper", -1], ["lower", 1]].map(([edge, way]) => to[edge].flatMap((place, i) => {
    const out = (at) => added(at, to.down, way * BESIDE * eye);
    const source = out(from[edge][i]);
    return [...vertex(out(place), source), ...vertex(between(to.upper[i], to.lower[i], 0.5), source)];
  }));
}

/** The opening, with how far each place is below the upper lid, and was. */
function ballStrip(from, to) {
  return to.upper.flatMap((upper, i) => [upper, to.lower[i]].flatMap((place) =>
    vertex(place, place, [dot(added(place, upper, -1), to.down), from.from(place).below, 0, 0])));
}

/** A vertex as mesh.js takes it: place and nearness, place in the source, four more numbers, a normal. */
export const vertex = ([x, y, near = 0], [u, v], extra = [0, 0, 0, 0], normal = [0, 0, 0]) =>
  [x, y, near, u, v, ...extra, ...normal];

export const irisOf = (marks, side) => rowsOf("iris", side).map((row) => marks[row]);
