// Eyes: what is seen of an eyeball as its lids move and as it turns, as reggan_plugin/rig/eyes.py has it.

import { continued } from "./backdrop.js";
import { eyes as ofEyes } from "./constants.js";
import { percentile } from "./planes.js";
import { added, between, clip, dot, eyeRows, leastSquares, meanOf, rowsOf, scaled } from "./rig.js";

const { LEAST_MOTION, LEAST_TURN, SHUT, RINGS, SIDEWAYS, UP, DOWN, MOST_SHADE, SHADE_REACH, SHADE_INSET, FEWEST, INSET, BLEND,
  LEAST_LIGHT, LEAST_SPREAD, MOST_OFF, ENOUGH, RING_RIDGE, AS_GOOD, SLOPE_RIDGE, UNLIKE, GLINT, GLINT_OF_WHITE, GLINT_OF_SKIN } = ofEyes;
const [LEAST_SEEN, NEAR, FAR] = [12, 0.6, 1.5];  // the last two: reaches of a lid's shade
const [MARGIN, BESIDE] = [0.12, 0.03];  // eye distances

/** A smooth line through places, their ends included (Catmull and Rom). */
export function smoothArc(corners, finer = 6) {
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

/** The eyeball as if there were no lids before it, and no shade of theirs: its own pixels where they are
 * seen, beyond them an iris with the rings of its visible part, and the white that goes on. `pixels` are
 * light with how far each is seen as their alpha; `dark` is how dark the lids make what is beside them. */
export function completedEye(cut, before, iris, eye) {
  const places = [...before.upper, ...before.lower];
  const [low, high] = [Math.min, Math.max].map((pick) => [0, 1].map((k) => pick(...places.map((place) => place[k]))));
  const reach = Math.max(high[0] - low[0], high[1] - low[1]) / 2 + MARGIN * eye;
  const [left, top] = between(low, high, 0.5).map((middle) => middle - reach);
  const window = [left, top, left + 2 * reach];
  const own = cut(window);
  const side = own[0].width;
  const smooth = before.smooth();
  const depths = Array.from(own[0].data, (_, i) => {
    const place = [left + ((i % side) + 0.5) * 2 * reach / side, top + (Math.floor(i / side) + 0.5) * 2 * reach / side];
    const { below, above } = smooth.from(place);
    return { place, below: below / eye, above: above / eye, inside: Math.min(below, above) / eye };
  });
  const where = (test) => [...depths.keys()].filter((i) => test(depths[i], i));
  const indices = where(({ inside }) => inside > INSET);
  const pixels = new Float32Array(4 * side * side);
  if (indices.length < LEAST_SEEN) return { window, side, pixels, dark: [0, 0] };
  const grey = ([red, green, blue]) => red.data.map((value, i) => (value + green.data[i] + blue.data[i]) / 3);
  const light = grey(own);
  const units = ringsOf(depths.map(({ place }) => place), iris, indices, light);
  const ring = { ...own[0], data: Float32Array.from(units, (unit) => Math.hypot(...unit)) };
  const beyond = (least) => indices.filter((i) => ring.data[i] > least);
  const white = [beyond(1.12), beyond(0.9), indices].find((some) => some.length >= 8) ?? indices;
  const hidden = { ...ring, data: ring.data.map(() => 1) };
  for (const i of white) hidden.data[i] = 0;
  const profiles = profilesOf(own, ring, units, indices);
  const ball = continued(own, hidden).map((one, channel) => ({ ...one, data: one.data.map((value, i) => {
    const share = clip((1.12 - ring.data[i]) / 0.16);
    return value + share * ((profiles?.[channel](ring.data[i], units[i]) ?? value) - value);
  }) }));
  const balls = grey(ball);
  const shareOf = (values, some, share) => percentile(Float32Array.from(some, (i) => values[i]), share);
  const ratio = light.map((value, i) => value / Math.max(balls[i], LEAST_LIGHT));
  const dark = ["below", "above"].map((lid) => {
    const [near, far] = [(depth) => depth < NEAR, (depth) => depth > FAR].map((isIt) =>
      where((one) => one.inside > SHADE_INSET && isIt(one[lid] / SHADE_REACH)));
    if (near.length < FEWEST || far.length < FEWEST) return 0;
    return clip(1 - shareOf(ratio, near, 0.5) / Math.max(shareOf(ratio, far, 0.5), LEAST_LIGHT), 0, MOST_SHADE);
  });
  // Light that an iris mirrors right under a lid is no line of the lid.
  const glint = Math.max(GLINT_OF_WHITE * shareOf(light, white, 0.5), GLINT_OF_SKIN * shareOf(light, where(({ inside }) => inside < 0), 0.75));
  depths.forEach(({ below, above, inside }, i) => {
    const mirrors = inside > 0 && ring.data[i] < 1 && light[i] > glint && light[i] > balls[i] + GLINT;
    const seen = mirrors ? 1 : Math.tanh(0.8 * Math.max(0, inside - INSET) / BLEND);
    const shade = dark.reduce((all, one, k) => all * (1 - one * Math.exp(-Math.max(0, k ? above : below) / SHADE_REACH)), 1);
    ball.forEach(({ data }, channel) =>
      (pixels[4 * i + channel] = data[i] + seen * (own[channel].data[i] / Math.max(shade, 1 - MOST_SHADE) - data[i])));
    pixels[4 * i + 3] = seen;
  });
  return { window, side, pixels, dark };
}

/** Places from the middle of an iris, 1 away on its edge: the ellipse of its landmarks, shifted and
 * scaled so that what is seen has rings of one colour, or a half hidden iris would show two pupils. */
function ringsOf(places, iris, indices, light) {
  const centre = meanOf(iris);
  const turns = iris.map((_, k) => [Math.cos(k * Math.PI / 4), Math.sin(k * Math.PI / 4)]);
  const [[a, c], [b, d]] = [0, 1].map((k) => leastSquares(turns, iris.map((place) => place[k] - centre[k]), [0, 0]))
    .reduce(([p, q], [u, v]) => [[...p, u], [...q, v]], [[], []]);
  const det = a * d - b * c || 1e-9;
  const units = places.map((place) => {
    const [x, y] = added(place, centre, -1);
    return [(d * x - b * y) / det, (a * y - c * x) / det];
  });
  const near = indices.filter((i) => Math.hypot(...units[i]) < 1 + MOST_OFF);
  const some = near.filter((_, at) => at % Math.max(1, Math.floor(near.length / ENOUGH)) === 0);
  const steps = [-3, -2, -1, 0, 1, 2, 3].map((step) => step * MOST_OFF / 3);
  const tried = near.length < FEWEST ? [] : [0.9, 1, 1.1].flatMap((scale) => steps.flatMap((x) => steps.map((y) => {
    const [count, sum, squares] = [0, 0, 0].map(() => new Float64Array(RINGS + 1));
    for (const i of some) {
      const ring = Math.min(RINGS, Math.floor(Math.sqrt((units[i][0] - x) ** 2 + (units[i][1] - y) ** 2) / scale * RINGS / 1.2));
      count[ring]++;
      sum[ring] += light[i];
      squares[ring] += light[i] ** 2;
    }
    const spread = squares.reduce((all, own, k) => all + own - sum[k] ** 2 / Math.max(1, count[k]), 0);
    return { x, y, scale, off: Math.max(LEAST_SPREAD, spread * (1 + RING_RIDGE * (x * x + y * y + (scale - 1) ** 2))) };
  })));
  const least = Math.min(...tried.map(({ off }) => off));
  let [total, x, y, scale] = [0, 0, 0, 0];
  for (const one of tried) {
    const likely = Math.exp((1 - one.off / least) / AS_GOOD);
    [total, x, y, scale] = [total + likely, x + likely * one.x, y + likely * one.y, scale + likely * one.scale];
  }
  if (!total) [total, scale] = [1, 1];
  return units.map(([u, v]) => [(u - x / total) * total / scale, (v - y / total) * total / scale]);
}

/** Medians of rings about the iris, in straight lines between those that are seen, and how light falls
 * off across them: functions of a ring and a place, one a plane; null if no ring is seen. */
function profilesOf(planes, ring, units, indices) {
  const rings = Array.from({ length: RINGS }, () => []);
  for (const i of indices) {
    if (ring.data[i] < 1.2) rings[Math.min(RINGS - 1, Math.floor(ring.data[i] * RINGS / 1.2))].push(i);
  }
  const known = rings.flatMap((some, at) => (some.length ? [{ at, some, middle: meanOf(some.map((i) => units[i])),
    medians: planes.map(({ data }) => percentile(Float32Array.from(some, (i) => data[i]), 0.5)) }] : []));
  if (!known.length) return null;
  const usual = known.flatMap(({ some, middle, medians }) => some.flatMap((i) => {
    const off = planes.map(({ data }, k) => data[i] - medians[k]);
    return Math.max(...off.map(Math.abs)) < UNLIKE ? [{ off, place: added(units[i], middle, -1) }] : [];
  }));
  const ridge = SLOPE_RIDGE * usual.length + 1e-9;
  return planes.map((_, k) => {
    const slope = leastSquares(usual.map(({ place }) => place), usual.map(({ off }) => off[k]), [ridge, ridge]);
    const values = known.map(({ medians, middle }) => medians[k] - dot(middle, slope));
    const [low, high] = [Math.min, Math.max].map((pick) => pick(...known.map(({ medians }) => medians[k])));
    return (where, place) => {
      const at = clip(where * RINGS / 1.2 - 0.5, known[0].at, known.at(-1).at);
      const next = Math.max(1, known.findIndex((one) => one.at >= at));
      const share = known.length < 2 ? 0 : (at - known[next - 1].at) / (known[next].at - known[next - 1].at);
      const value = values[next - 1] + share * ((values[next] ?? 0) - values[next - 1]);
      return clip(value + dot(place, slope), low, high);
    };
  });
}

/** What to draw of an eye between moved lids, null if nothing of it changes. */
export function changedEye(before, moved, gaze, eye) {
  const after = moved.parted(SHUT * eye);
  const shift = Math.max(...["upper", "lower"].flatMap((edge) =>
    after[edge].flatMap((place, i) => added(place, before[edge][i], -1).map(Math.abs))));
  const turned = Math.max(...gaze.map(Math.abs)) >= LEAST_TURN;
  if (shift < LEAST_MOTION * eye && !turned) return null;
  const way = between(after.right.map(() => 0), added(after.right.map((v) => v * gaze[0]), after.down, gaze[1]), eye);
  return { lids: lidSkin(before, moved, eye), ball: after.widest < 1e-4 ? null : ballStrip(before.smooth(), after.smooth(), SHADE_REACH * eye), turned, way };
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

/** The opening, with how far each place is from the upper lid and was, and from the lower one, in parts of `reach`. */
function ballStrip(from, to, reach) {
  return to.upper.flatMap((upper, i) => [upper, to.lower[i]].flatMap((place) => {
    const [now, was] = [dot(added(to.lower[i], upper, -1), to.down), from.from(place)];
    const far = place === upper ? [0, was.below, now, was.above] : [now, was.below, 0, was.above];
    return vertex(place, place, scaled(far, 1 / reach));
  }));
}

/** A vertex as mesh.js takes it: place and nearness, place in the source, four more numbers, a normal. */
export const vertex = ([x, y, near = 0], [u, v], extra = [0, 0, 0, 0], normal = [0, 0, 0]) =>
  [x, y, near, u, v, ...extra, ...normal];

export const irisOf = (marks, side) => rowsOf("iris", side).map((row) => marks[row]);
