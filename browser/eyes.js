// Eyes: what is seen of an eyeball as its lids move and as it turns, as reggan_plugin/rig/eyes.py has it.

import { extended } from "./backdrop.js";
import { eyes as ofEyes } from "./constants.js";
import { blurred, percentile } from "./resampling.js";
import { added, between, clip, dot, eyeRows, leastSquares, meanOf, rowsOf, scaled } from "./rig.js";

const { LEAST_MOTION, LEAST_TURN, SHUT, RINGS, SIDEWAYS, UP, DOWN, MOST_SHADE, SHADE_REACH, SHADE_INSET, SHADE_SOFT, FEWEST_SEEN,
  INSET, BLEND, LEAST_LIGHT, RIM, RIM_WIDTH, FEWEST_WHITE, SHARP_RING, RING_TONE, MIRRORED, TURNS, LIGHTER, DARKER, MOST_OFF, SCALES, ANGLES,
  EDGE, CONTRAST, RING_RIDGE, USUAL_SCALE, AS_GOOD, NO_EDGE, SLOPE_RIDGE, UNLIKE, GLINT, GLINT_OF_WHITE, GLINT_OF_SKIN } = ofEyes;
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
 * seen, beyond them an iris with the rings and the texture of its visible part, and the white and the light
 * that go on. `pixels` are light with how far each is seen as their alpha; below them is the shade of the lids,
 * as factors. */
export function completedEye(cut, before, iris, eye) {
  const places = [...before.upper, ...before.lower];
  const [low, high] = [Math.min, Math.max].map((pick) => [0, 1].map((k) => pick(...places.map((place) => place[k]))));
  const reach = Math.max(high[0] - low[0], high[1] - low[1]) / 2 + MARGIN * eye;
  const [left, top] = between(low, high, 0.5).map((middle) => middle - reach);
  const window = [left, top, left + 2 * reach];
  const source = cut(window);
  const side = source[0].width;
  const smooth = before.smooth();
  const depths = Array.from(source[0].data, (_, i) => {
    const place = [left + ((i % side) + 0.5) * 2 * reach / side, top + (Math.floor(i / side) + 0.5) * 2 * reach / side];
    const { below, above } = smooth.from(place);
    return { place, below: below / eye, above: above / eye, inside: Math.min(below, above) / eye };
  });
  const where = (test) => [...depths.keys()].filter((i) => test(depths[i], i));
  const indices = where(({ inside }) => inside > INSET);
  const pixels = new Float32Array(8 * side * side).fill(1, 4 * side * side);
  const made = { window, side, pixels, down: scaled(before.down, eye) };
  if (indices.length < FEWEST_SEEN) {  // it is shut: its lids say the most about it
    const mean = source.map(({ data }) => data.reduce((sum, value) => sum + value, 0) / data.length);
    for (let i = 0; i < side * side; i++) pixels.set([...mean, 0], 4 * i);
    return made;
  }
  const planeOf = (value) => ({ ...source[0], data: Float32Array.from(depths, (_, i) => value(i)) });
  const mapped = (planes, value) => planes.map((one, channel) => planeOf((i) => value(one.data[i], i, channel)));
  const joined = (planes, value) => planeOf((i) => value(planes.map(({ data }) => data[i]))).data;
  const sure = planeOf((i) => Math.tanh(0.8 * Math.max(0, depths[i].inside - INSET) / BLEND));
  const pixelAt = (place) => [top, left].map((from, k) =>
    clip(Math.round((place[1 - k] - from) * side / (2 * reach) - 0.5), 0, side - 1)).reduce((row, column) => row * side + column);
  const { units, radius, contrast } = onTheIris(depths.map(({ place }) => place), iris, new Set(indices), joined(source, darkest), pixelAt);
  const ring = units.map((unit) => Math.hypot(...unit));
  const on = ring.map((one) => clip((RIM - one) / RIM_WIDTH));
  const beyond = (least) => indices.filter((i) => ring[i] > least);
  const [outside, near] = [beyond(RIM), beyond(0.9)];
  const white = outside.length >= FEWEST_WHITE ? outside : near.length ? near : indices;
  const isWhite = new Set(white);
  const shares = planeOf((i) => (isWhite.has(i) ? 1 / (1 + ((ring[i] - RIM) / 0.5) ** 2) : 0));
  const usual = source.map(({ data }) => meanOf(white.map((i) => [data[i]]))[0]);
  const lit = mapped(extended(source, shares), (value, i, channel) => (1 - on[i]) * (value - usual[channel]));
  const level = mapped(source, (value, i, channel) => value - lit[channel].data[i]);
  const profiles = profilesOf(level, ring, units, indices);
  const rings = mapped(lit, (value, i, channel) => value + profiles[channel](ring[i], units[i], on[i]));
  const rest = mapped(source, (value, i, channel) => value - rings[channel].data[i]);
  const lent = textureOf(rest, sure.data, depths.map(({ place }) => place), units, ring, radius, pixelAt);
  let ball = mapped(rings, (value, i, channel) => value + lent(i, channel));
  const [light, balls] = [joined(source, average), joined(ball, average)];
  const shareOf = (values, some, share) => percentile(Float32Array.from(some, (i) => values[i]), share);
  const ratio = light.map((value, i) => value / Math.max(balls[i], LEAST_LIGHT));
  const soft = Math.max(0.6, SHADE_SOFT * eye * side / (2 * reach));
  const [shown, shaded] = [() => 1, (i) => clip(ratio[i], 1 - MOST_SHADE, 1)].map((value) =>
    blurred(planeOf((i) => (depths[i].inside > SHADE_INSET ? value(i) : 0)).data, side, side, soft));
  const [whole] = extended([planeOf((i) => shaded[i] / Math.max(shown[i], 1e-6))], planeOf((i) => Number(shown[i] > 0.05)));
  const shade = whole.data.map((value, i) => 1 + (value - 1) * Math.exp(-((Math.max(0, depths[i].inside) / SHADE_REACH) ** 2)));
  const own = mapped(source, (value, i) => value / Math.max(1 - MOST_SHADE, shade[i]));
  // Light that an iris mirrors right under a lid is no line of the lid.
  const [least, leastOfBall] = [joined(own, darkest), joined(ball, darkest)];
  const glint = Math.max(GLINT_OF_WHITE * shareOf(least, white, 0.5), GLINT_OF_SKIN * shareOf(least, where(({ inside }) => inside < 0), 0.75));
  const over = mapped(own, (value, i, channel) => value - ball[channel].data[i]);
  const mirrored = joined(over, darkest);
  const known = planeOf((i) => sure.data[i] * clip(2 * on[i] - 1) / (1 + (Math.max(0, mirrored[i]) / MIRRORED) ** 2));
  ball = mapped(extended(over, known), (value, i, channel) => ball[channel].data[i] + on[i] * value);
  const isIris = clip(contrast / NO_EDGE);
  if (isIris < 1) ball = mapped(extended(own, sure), (value, i, channel) => value + isIris * (ball[channel].data[i] - value));
  depths.forEach(({ inside }, i) => {
    const mirrors = inside > 0 && ring[i] < 1 && least[i] > glint && least[i] > leastOfBall[i] + GLINT;
    const seen = mirrors ? 1 : sure.data[i];
    ball.forEach(({ data }, channel) => (pixels[4 * i + channel] = data[i] + seen * (own[channel].data[i] - data[i])));
    pixels[4 * i + 3] = seen;
    pixels[4 * (side * side + i)] = shade[i];
  });
  return made;
}

const average = ([red, green, blue]) => (red + green + blue) / 3;
const darkest = (channels) => Math.min(...channels);

/** Where an eyeball becomes lighter outwards all around: places in radii from the middle of the iris, a
 * radius as the columns of a matrix, and how much lighter it is. */
function onTheIris(places, iris, seen, light, pixelAt) {
  const centre = meanOf(iris);
  const turned = (count) => Array.from({ length: count }, (_, k) => [Math.cos(2 * Math.PI * k / count), Math.sin(2 * Math.PI * k / count)]);
  const rows = [0, 1].map((k) => leastSquares(turned(iris.length), iris.map((place) => place[k] - centre[k]), [0, 0]));
  const along = ([u, v]) => rows.map(([p, q]) => p * u + q * v);
  const steps = [-3, -2, -1, 0, 1, 2, 3].map((step) => step * MOST_OFF / 3);
  const edge = turned(ANGLES);
  const tried = steps.flatMap((x) => steps.flatMap((y) => SCALES.map((scale) => {
    let [total, count] = [0, ANGLES / 8];
    for (const [u, v] of edge) {
      const [inner, outer] = [scale - EDGE, scale + EDGE].map((far) => pixelAt(added(centre, along([x + far * u, y + far * v]))));
      if (!seen.has(inner) || !seen.has(outer)) continue;
      total += Math.tanh((light[outer] - light[inner]) / CONTRAST);
      count++;
    }
    return { x, y, scale, contrast: total / count, score: total / count - RING_RIDGE * (x * x + y * y + (scale - USUAL_SCALE) ** 2) };
  })));
  const most = Math.max(...tried.map(({ score }) => score));
  let [total, x, y, scale, contrast] = [0, 0, 0, 0, 0];
  for (const one of tried) {
    const likely = Math.exp((one.score - most) / AS_GOOD);
    [total, x, y] = [total + likely, x + likely * one.x, y + likely * one.y];
    [scale, contrast] = [scale + likely * one.scale, contrast + likely * one.contrast];
  }
  [x, y, scale, contrast] = [x / total, y / total, scale / total, contrast / total];
  const [[a, b], [c, d]] = rows;
  const det = a * d - b * c || 1e-9;
  const units = places.map((place) => {
    const [u, v] = added(place, centre, -1);
    return [((d * u - b * v) / det - x) / scale, ((a * v - c * u) / det - y) / scale];
  });
  return { units, radius: rows.map((row) => scaled(row, scale)), contrast };
}

/** Tones of rings about the iris, in straight lines between those that are seen, and how light falls
 * off across them: functions of a ring and a place, one a plane. The last ring is all that is beyond. */
function profilesOf(planes, ring, units, indices) {
  const rings = Array.from({ length: RINGS + 1 }, () => []);
  for (const i of indices) rings[Math.min(RINGS, Math.floor(ring[i] * RINGS / 1.2))].push(i);
  const found = rings.flatMap((some, at) => (some.length ? [{ at, some, middle: meanOf(some.map((i) => units[i])),
    tones: planes.map(({ data }) => percentile(Float32Array.from(some, (i) => data[i]), at < RINGS ? RING_TONE / 100 : 0.5)) }] : []));
  const known = found.map((one, at) => ({ ...one, tones: one.tones.map((value, k) => one.at >= SHARP_RING ? value :
    (found[Math.max(at - 1, 0)].tones[k] + 2 * value + found[Math.min(at + 1, found.length - 1)].tones[k]) / 4) }));
  const usual = known.filter(({ at }) => at < RINGS).flatMap(({ some, middle, tones }) => some.flatMap((i) => {
    const off = planes.map(({ data }, k) => data[i] - tones[k]);
    return Math.max(...off.map(Math.abs)) < UNLIKE ? [{ off, place: added(units[i], middle, -1) }] : [];
  }));
  const ridge = SLOPE_RIDGE * usual.length + 1e-9;
  return planes.map((_, k) => {
    const slope = leastSquares(usual.map(({ place }) => place), usual.map(({ off }) => off[k]), [ridge, ridge]);
    const values = known.map(({ at, tones, middle }) => tones[k] - (at < RINGS ? dot(middle, slope) : 0));
    const [low, high] = [Math.min, Math.max].map((pick) => pick(...known.map(({ tones }) => tones[k])));
    return (where, place, on) => {
      const at = clip(where * RINGS / 1.2 - 0.5, known[0].at, known.at(-1).at);
      const next = Math.max(1, known.findIndex((one) => one.at >= at));
      const share = known.length < 2 ? 0 : (at - known[next - 1].at) / (known[next].at - known[next - 1].at);
      const value = values[next - 1] + share * ((values[next] ?? 0) - values[next - 1]);
      return clip(value + on * dot(place, slope), low, high);
    };
  });
}

/** The texture that each pixel is lent by others of its ring that are seen: a function of it and a channel. */
function textureOf(rest, sure, places, units, ring, radius, pixelAt) {
  const known = [...sure.keys()].filter((i) => sure[i] > 0.5 && ring[i] < 0.9);
  const all = rest.flatMap(({ data }) => known.map((i) => Math.abs(data[i])));
  const usual = all.length ? percentile(Float32Array.from(all), 0.5) : 0;
  const usable = sure.map((one, i) =>
    (ring[i] > 0.9 || Math.max(...rest.map(({ data }) => data[i])) < 4 * LIGHTER * usual ? one : 0));
  const lenders = units.map(([u, v], i) => {
    let left = 1;
    return TURNS.map(([[a, b], [c, d]]) => {
      const way = [a * u + b * v - u, c * u + d * v - v];
      const from = pixelAt(added(places[i], radius.map((row) => dot(row, way))));
      const share = left * usable[from];
      left -= share;
      return [from, share];
    });
  });
  return (i, channel) => lenders[i].reduce((sum, [from, share]) =>
    sum + share * clip(rest[channel].data[from], -DARKER * usual, LIGHTER * usual), 0);
}

/** What to draw of an eye between moved lids, null if nothing of it changes. */
export function changedEye(before, moved, gaze, eye) {
  const after = moved.parted(SHUT * eye);
  const shift = Math.max(...["upper", "lower"].flatMap((edge) =>
    after[edge].flatMap((place, i) => added(place, before[edge][i], -1).map(Math.abs))));
  const turned = Math.max(...gaze.map(Math.abs)) >= LEAST_TURN;
  if (shift < LEAST_MOTION * eye && !turned) return null;
  const way = between(after.right.map(() => 0), added(after.right.map((v) => v * gaze[0]), after.down, gaze[1]), eye);
  return { lids: lidSkin(before, moved, eye), ball: after.widest < 1e-4 ? null : ballStrip(before.smooth(), after.smooth(), eye), turned, way };
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

/** The opening, with how far each place is below the upper lid and was, and above the lower one. */
function ballStrip(from, to, eye) {
  return to.upper.flatMap((upper, i) => [upper, to.lower[i]].flatMap((place) => {
    const [now, { below, above }] = [dot(added(to.lower[i], upper, -1), to.down), from.from(place)];
    const was = above > -1 ? [below, above] : [0, 0];  // beside its corners
    return vertex(place, place, scaled(place === upper ? [0, was[0], now, was[1]] : [now, was[0], 0, was[1]], 1 / eye));
  }));
}

/** A vertex as mesh.js takes it: place and nearness, place in the source, four more numbers, a normal. */
export const vertex = ([x, y, near = 0], [u, v], extra = [0, 0, 0, 0], normal = [0, 0, 0]) =>
  [x, y, near, u, v, ...extra, ...normal];

export const irisOf = (marks, side) => rowsOf("iris", side).map((row) => marks[row]);
