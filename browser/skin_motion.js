// A face that was laid open once: what to draw for weights of shapes. As reggan_plugin/rig/skin_motion.py
// has it; all in parts of the crop's side, with the vertices of mesh.js.

import { drawn_edges, mouth_light, mouth_opening, skin_motion } from "./constants.js";
import { changedEye, completedEye, Edges, gazeOf, irisOf, smoothArc, vertex } from "./eyes.js";
import { fromSrgb, mouthLight, OpeningLight } from "./mouth_drawing.js";
import { keepLids, keepNostrils, keepTails } from "./in_front_of_face.js";
import { percentile } from "./resampling.js";
import { beyondLine, darkLine, evenCorners, keepLips, overlap, parting, roundCorners } from "./mouth_opening.js";
import { addedMotion, planesFrom, rasterised, TRUST } from "./refinement.js";
import { added, between, clip, closingEdges, dot, fit, leastSquares, LOWER, meanOf, movedPlaces, rowAt, rowsOf, sampled, scaled, unit, UPPER } from "./rig.js";

const { TEETH_BELOW, TEETH_BEHIND, TALL, JAW_SHAPES, LEAST_GAP, KEEPS_OWN, SKIN_AROUND, FLAT, STEPS, MOSTLY, ROLLED_OUT,
  ROLLED_OVER, TURN_IN, LEAST_MOTION } = mouth_opening;
const { LEAST_LIGHT, RIDGE, MOST, LOW, HIGH } = skin_motion;
const { BEHIND, CORNER, ENDS, NEAR, RISES, SHADE, SHADE_REACH } = drawn_edges;
const FEWEST = mouth_light.FEWEST_OF_SKIN;
const [PROBE, LIGHT_STEP, TUCKED, INNER_LIP, LEAST_LINE] = [0.3, 2, 0.006, 0.03, 0.01];
const SIDES = ["right", "left"];

export class Face {
  /** `seen`: planes of the crop; `cut` makes planes of a square of it, [left, top, right], as the
   * frame has them; `places` and `sigma` are the landmarks; `freedom` says how far skin moves;
   * `brows` are the rows of those that nothing hides; `held` keeps skin at the frame's border. */
  constructor(template, mouth, seen, cut, places, sigma, freedom, brows, held) {
    Object.assign(this, { template, mouth, seen, places, freedom, brows, held });
    this.laid = fit(template, places, sigma);
    const { map, smooth, worn } = this.laid;
    const [, [x, y]] = map.affine;
    const down = scaled([-x, -y], 1 / Math.max(Math.hypot(x, y), 1e-9));
    this.axes = { right: [down[1], -down[0]], down };
    this.rest = added(template.rest, worn);
    this.here = map.places(this.rest);
    this.marks = added(template.landmarks, template.atLandmarks(worn));
    this.marksHere = map.places(this.marks);
    this.before = pairs(this.marksHere);
    [this.smoothHere, this.smoothMarks] = [this.rest, this.marks].map((points) => smooth.places(points));
    this.lids = SIDES.map((side) => Edges.ofEye(this.before, side, this.axes).parted(0));
    this.eyes = SIDES.map((side, i) => completedEye(cut, this.lids[i], irisOf(places, side), map.eye));
    this.margins = this.lids.map((lids) => this.#margins(lids.smooth()));
    this.#light();
    this.#lookAtSkin();
    this.#lookAtLips();
  }

  /** Vertices of the lids' edges before an eyeball, [row, [x, y]], with the nearest skin as their
   * source: what is drawn there shows through to the eyeball's pixels, which a blink would take along. */
  #margins(lids) {
    const least = TUCKED * this.laid.map.eye;
    return pairs(this.here).flatMap((place, row) => {
      const { below, above } = lids.from(place);
      if (Math.min(below, above) < -least) return [];
      return [[row, added(place, lids.down, below < above ? -below - least : above + least)]];
    });
  }

  /** The light on each vertex: a ridge of the picture's brightness on the normals. */
  #light() {
    this.normals = this.template.normals(this.rest);
    const skin = [...this.template.keep.keys()].filter((i) => this.template.keep[i] > 0.95 && this.normals[3 * i + 2] > 0.2);
    const colour = (i) => this.seen.map(({ width: side, data }) => sampled({ side, data }, 0, [this.here[3 * i], this.here[3 * i + 1]]));
    const luma = Float32Array.from(skin, (i) => dot(colour(i).map(fromSrgb), mouth_light.LUMA));
    const [low, high] = [LOW, HIGH].map((share) => percentile(luma, share / 100));
    const usual = [...luma.keys()].filter((i) => luma[i] > low && luma[i] < high);
    const mean = usual.reduce((sum, i) => sum + luma[i], 0) / usual.length;
    this.light = null;
    if (usual.length < FEWEST || !(mean > 1e-4)) return;
    const ridge = RIDGE * usual.length;
    this.light = leastSquares(usual.map((i) => [1, ...rowAt(this.normals, skin[i])]),
      usual.map((i) => luma[i] / mean), [0, ridge, ridge, ridge]);
  }

  /** Logarithm of the factor on the light of each vertex that a shape turns. */
  #gains(points) {
    if (!this.light) return new Float32Array(points.length / 3);
    const now = this.template.normals(points);
    const [all, x, y, z] = this.light;
    const lit = (normals, i) => Math.max(LEAST_LIGHT, all + x * normals[3 * i] + y * normals[3 * i + 1] + z * normals[3 * i + 2]);
    return this.template.keep.map((keep, i) => clip(keep * Math.log(lit(now, i) / lit(this.normals, i)), -MOST, MOST));
  }

  /** Pixels of cheeks and of eyes: what light falls on the mouth, and whether the face is drawn. */
  #lookAtSkin() {
    const side = this.seen[0].width;
    const cheeks = SIDES.flatMap((one) => [1, 2, 4].map((i) => this.before[rowsOf("cheek", one)[i]]));
    const lids = this.lids.map((one) => one.smooth());
    const grey = (i) => (this.seen[0].data[i] + this.seen[1].data[i] + this.seen[2].data[i]) / 3;
    const slopes = [];
    [this.skin, this.inEyes] = [[], []];
    for (let y = LIGHT_STEP; y < side - LIGHT_STEP; y += LIGHT_STEP) {
      for (let x = LIGHT_STEP; x < side - LIGHT_STEP; x += LIGHT_STEP) {
        const place = [(x + LIGHT_STEP / 2) / side, (y + LIGHT_STEP / 2) / side];
        const i = y * side + x;
        if (cheeks.some((cheek) => Math.hypot(cheek[0] - place[0], cheek[1] - place[1]) < SKIN_AROUND * this.laid.map.eye)) {
          this.skin.push([x, y, ...this.seen.map(({ data }) => data[i])]);
          const slope = (step) => (grey(i + step) - grey(i - step)) / 2;
          slopes.push(Math.hypot(slope(LIGHT_STEP), slope(LIGHT_STEP * side)));
        } else if (lids.some((one) => Object.values(one.from(place)).every((far) => far > 0))) {
          this.inEyes.push(this.seen.map(({ data }) => data[i]));
        }
      }
    }
    const all = Float32Array.from(slopes);
    this.isDrawn = all.length > 0 && percentile(all, 0.9) > STEPS * Math.max(percentile(all, 0.5), FLAT)
      && all.filter((slope) => slope < FLAT).length > MOSTLY * all.length;
  }

  /** What mesh.js draws for weights of shapes. `refine` is given planes of what the rig is about to
   * do, and says, in time, what the network adds; null leaves it out. */
  async moved(weights, refine = null) {
    const { template, laid, before, here, axes: { down } } = this;
    const { eye } = laid.map;
    const change = added(template.displacement(weights), laid.worn, -clip((weights.neutral ?? 0) + (weights.shutMouth ?? 0)));
    const closing = closingEdges(template, laid, change);
    const placed = (own) => movedPlaces(laid, this.rest, own, closing.vertices, here, this.smoothHere);
    const there = placed(change);
    const gains = this.#gains(added(this.rest, change));
    let after = pairs(movedPlaces(laid, this.marks, template.atLandmarks(change), closing.marks, this.marksHere, this.smoothMarks));
    const add = (motion, scale) => {
      for (let v = 0; v < gains.length; v++) for (const k of [0, 1]) there[3 * v + k] += scale * motion[2 * v + k];
      const ofMarks = template.atLandmarks(motion, 2);
      after = after.map((place, row) => place.map((value, k) => value + scale * ofMarks[2 * row + k]));
    };
    let gain = null;
    if (refine) {
      const ways = (from, to) => Float32Array.from({ length: 2 * gains.length }, (_, i) => {
        const k = 3 * Math.floor(i / 2) + (i % 2);
        return (to[k] - from[k]) / eye;
      });
      const meant = template.conventionsOf(weights).map((own) => ways(there, placed(added(change, own))));
      const axis = (values, size, k) => Float32Array.from(gains, (_, v) => values[size * v + k]);
      const motion = ways(here, there);
      this.raster ??= rasterised(here, template.triangles);
      const refined = await refine(planesFrom(this.raster, [axis(motion, 2, 0), axis(motion, 2, 1), gains,
        template.isLower.map(Number), gains.map(() => 1), ...[0, 1, 2].map((k) => axis(template.rest, 3, k)),
        ...meant.flatMap((own) => [axis(own, 2, 0), axis(own, 2, 1)])]));
      const gaps = UPPER.map((upper, i) => dot(added(after[LOWER[i]], after[upper], -1), down) / eye);
      add(addedMotion(template, here, meant, refined, gaps), eye);
      gain = refined.gain.data.map((value) => TRUST * value);
    }
    const even = evenCorners(template, before, after, this.axes);
    add(parting(template, overlap(before, after, down)), 1);
    add(even, 1);
    keepLips(template, here, there, before, after, this.axes, eye);
    keepNostrils(template, here, there, before, after, this.axes, eye);
    keepLids(here, there, before, after, this.axes, eye);
    keepTails(this.brows, here, there, before, after, eye);
    const [chin, freedom] = [this.#chin(there), this.freedom(after)];
    const skin = new Float32Array(12 * gains.length);
    for (let i = 0; i < gains.length; i++) {
      const [was, now] = [here, there].map((points) => [points[3 * i], points[3 * i + 1]]);
      const free = freedom(was, now);
      skin.set([...this.held(was, between(was, now, free)), there[3 * i + 2] / eye, ...was, free * gains[i], free, there[3 * i + 2] - chin.depth], 12 * i);
    }
    const mouth = this.#mouth(before, after, weights, template.atLandmarks(gains, 1));
    for (const [row, source] of mouth?.parts ? this.lipSources : []) skin.set(source, 12 * row + 3);
    const eyes = SIDES.map((side, i) => changedEye(this.lids[i], Edges.ofEye(after, side, this.axes), gazeOf(weights, side), eye));
    eyes.forEach((one, i) => one && this.margins[i].forEach(([row, source]) => skin.set(source, 12 * row + 3)));
    return { there, skin, chin, gain, eyes, mouth };
  }

  /** The edge of a chin, [x, y] of each place of it, and what its shadow on a neck behind `depth` needs
   * as numbers of mesh.js; only a chin that drops throws one: that at rest is in the picture. */
  #chin(there) {
    const { template, here, laid: { map: { eye } } } = this;
    const rows = rowsOf("jaw").slice(4, 11);
    const [was, now] = [here, there].map((points) => template.atLandmarks(points)).map((marks) => rows.map((row) => rowAt(marks, row)));
    const drop = Math.max(...now.slice(1, 6).map(([, y], i) => y - was[i + 1][1]));
    let squares = 0;
    for (let i = 2; i < there.length; i += 3) squares += there[i] ** 2;
    const depth = Math.min(...now.map(([, , z]) => z)) - BEHIND * Math.sqrt(3 * squares / there.length);
    const numbers = [SHADE * clip(drop / (RISES * eye)), eye * SHADE_REACH, eye * ENDS, eye * NEAR];
    return { depth, numbers, line: now.flatMap(([x, y]) => [x, y]) };
  }

  /** Where lips that part have their colours: beyond the dark line between them. */
  #lookAtLips() {
    const lips = this.#lips(this.before);
    const { eye } = this.laid.map;
    const side = this.seen[0].width;
    const luma = (place) => this.seen.reduce((sum, { data }) => sum + sampled({ side, data }, 0, place), 0);
    this.lipLines = darkLine(lips, eye, luma);
    this.lipSources = beyondLine(this.template, this.here, lips, this.lipLines, INNER_LIP * 2 * eye);
  }

  #lips(marks) {
    const [first, last] = [rowsOf("lip_inner_upper")[0], rowsOf("lip_inner_upper").at(-1)];
    return new Edges(...[UPPER, LOWER].map((rows) => [first, ...rows, last].map((row) => marks[row])), this.axes);
  }

  /** The opening between the lips, as a strip of what the source shows there or with teeth behind it. */
  #mouth(before, after, weights, gains) {
    const { eye } = this.laid.map;
    const [was, now] = [before, after].map((marks) => this.#lips(marks));
    const gap = (lips) => Math.max(0, ...lips.upper.map((upper, i) => dot(added(lips.lower[i], upper, -1), lips.down))) / eye;
    const [gapBefore, gapAfter] = [gap(was), gap(now)];
    const shift = Math.max(...["upper", "lower"].flatMap((edge) =>
      now[edge].flatMap((place, i) => added(place, was[edge][i], -1).map(Math.abs))));
    if (shift < LEAST_MOTION * eye) return null;
    const lips = now.parted(0, (far) => far / (LEAST_GAP * eye) - 1);
    const [from, to] = [was.smooth(), lips.smooth()];
    const strip = stripOf(to, from);
    if (gapBefore > Math.max(LEAST_GAP, KEEPS_OWN * gapAfter)) return { strip };
    if (gapAfter < LEAST_GAP) return null;
    // A lip's inner side comes to be seen; there it turns in softly.
    const rolled = now.upper.map((upper, i) => eye * clip(dot(added(now.lower[i], upper, -1), now.down) / (ROLLED_OVER * eye)));
    const moved = (edges, far) => new Edges(...["upper", "lower"].map((edge, k) => edges[edge].map((place, i) =>
      added(place, now.down, (k ? -1 : 1) * far(i, k)))), lips);
    const round = roundCorners(moved(lips, (i, k) => ROLLED_OUT[k] * rolled[i]));
    const rim = (away) => moved(round, (i) => away * (rolled[i] && eye)).smooth();
    const [edge, outer, inner] = [0, -1.5 * TURN_IN, 1.5 * TURN_IN].map(rim);
    const light = smoothArc(this.#lips(Array.from(gains, (one) => [one])).upper);
    const dark = this.lipLines.map((line) => smoothArc(line.map((far) => [Math.max(far, LEAST_LINE * eye)])));
    // Strips of each lip's skin: from so far outside a line to another one, and how much of that is seen.
    const skin = (line, away, to, share) => ["upper", "lower"].map((one, k) => {
      const [way, last] = [k ? 1 : -1, edge[one].length - 1];
      const row = (i, beyond, seen) => {
        const [[far], place] = [dark[k][i], added(from[one][i], beyond)];
        const ends = [[added(line[one][i], was.down, way * (away ?? far)), 1], [to[one][i], share]];
        return ends.flatMap(([end, own]) =>
          vertex(added(end, beyond), added(place, was.down, way * far), [light[i][0], 1 - seen * own, 0, 0]));
      };
      const beside = scaled(unit(added(from[one][0], from[one][last], -1)), CORNER * eye);  // its corners are dark, too
      return [...row(0, beside, 0), ...from[one].flatMap((_, i) => row(i, [0, 0], 1)), ...row(last, scaled(beside, -1), 0)];
    });
    return { parts: true, strip: stripOf(outer, outer), ...this.#inside(weights, new OpeningLight(edge, eye)),
      lips: skin(edge, INNER_LIP * eye, inner, 1), rims: [...skin(edge, null, outer, 1), ...skin(outer, 0, inner, 0)] };
  }

  #inside(weights, opening) {
    const { template, laid } = this;
    const rest = template.landmarks;
    const seam = meanOf([...UPPER, ...LOWER].map((row) => rowAt(rest, row)));
    const incisors = [0, seam[1] - TEETH_BELOW, rest[3 * rowsOf("lip_outer_upper")[6] + 2] - TEETH_BEHIND];
    // By far probes, so of the skull's own size: teeth behind thick lips are no larger.
    const at = (k, way) => laid.smooth.place(incisors.map((value, i) => value + (i === k ? way : 0)));
    const columns = [0, 1, 2].map((k) => scaled(added(at(k, PROBE), at(k, -PROBE), -1), 1 / (2 * PROBE)));
    const projection = [0, 1].map((axis) => columns.map((column) => column[axis]));
    const line = [0, seam[1], seam[2]];
    const origin = laid.map.place(line).slice(0, 2).map((value, k) => value + dot(projection[k], added(incisors, line, -1)));
    this.mouthLight ??= this.skin.length < FEWEST ? null : mouthLight(this.skin, this.inEyes, projection);
    if (!this.mouthLight) return {};
    const worn = Object.fromEntries(JAW_SHAPES.map((name) => [name, weights[name] ?? 0]));
    worn.jawOpen += laid.jawOpen;
    const moved = template.atLandmarks(template.displacement(worn));
    const drop = meanOf(LOWER.slice(3, 6).map((row) => rowAt(moved, row)));
    const taller = (values, power) => values.map((value, k) => value * (k === 1 ? TALL ** power : 1));
    const pose = { projection: projection.map((row) => taller(row, 1)), origin, drop: taller(drop, -1) };
    const teeth = this.isDrawn ? "plate" : this.mouthLight.stone > 0.5 ? "carved" : "natural";
    const inside = this.mouth.lit(pose, this.mouthLight, opening, teeth);
    return { inside, triangles: this.mouth.triangles[teeth] };
  }
}

/** Vertices of the strip between two edges, and where they are in the source. */
const stripOf = (to, from) => to.upper.flatMap((upper, i) => [...vertex(upper, from.upper[i]), ...vertex(to.lower[i], from.lower[i])]);

/** x and y of each point of a flat array, by three numbers a point. */
const pairs = (points) => Array.from({ length: points.length / 3 }, (_, i) => [points[3 * i], points[3 * i + 1]]);
