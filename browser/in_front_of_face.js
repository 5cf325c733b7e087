// What stands before a face: the network's coarse mask, made exact. As reggan_plugin/rig/spectacles_and_hair.py does it.

import { skin_motion, spectacles_and_hair as front } from "./constants.js";
import { smoothArc } from "./eyes.js";
import { BICUBIC, blurred, largest, resize } from "./resampling.js";
import { added, clip, dot, eyeRows, interpolated, rowsOf, sampled } from "./rig.js";

const { THIN, REACH_PX, SOFTEST, FROM, TO, LEAST, BROW, TAIL, TAIL_GOES_ON, BROW_HIDDEN } = front;
const { HAIR, BESIDE_HAIR, FREE, BROW_GOES_ON, HEAD, FADE, TAIL_ENDS, TAIL_WIDE } = skin_motion;
const { NOSTRIL, GIVES_WAY, BESIDE_NOSE, ONE_PIECE, LASHES, SLIDES, FROM_CORNER } = skin_motion;
const SIDES = ["right", "left"];
const like = (one, work) => ({ ...one, data: one.data.map(work) });

/** A plane in [0, 1] over the crop, null if nothing is before the face; `share` is what the network says. */
export function frontMatte(face, share) {
  const side = face[0].width;
  const less = (one) => like(one, (value) => 1 - value);
  const thick = largest(less(largest(less(share), THIN)), THIN + 2);  // without crumbs
  const mask = resize(like(share, (value, i) => Math.min(value, thick.data[i])), side, side, BICUBIC);
  if (mask.data.filter((value) => value > 0.5).length < LEAST * side * side) return null;
  const guide = like(mask, (_, i) => (face[0].data[i] + face[1].data[i] + face[2].data[i]) / 3);
  const averaged = (one) => means(one, Math.max(1, Math.round(REACH_PX * side / 384)));
  const times = (one, other) => like(one, (value, i) => value * other.data[i]);
  const [meanGuide, meanMask, both, square] = [guide, mask, times(guide, mask), times(guide, guide)].map(averaged);
  const slope = like(both, (value, i) => (value - meanGuide.data[i] * meanMask.data[i])
    / (Math.max(0, square.data[i] - meanGuide.data[i] ** 2) + SOFTEST));
  const offset = averaged(like(meanMask, (value, i) => value - slope.data[i] * meanGuide.data[i]));
  const followed = like(averaged(slope), (value, i) => value * guide.data[i] + offset.data[i]);
  return like(followed, (value) => Math.min(1, Math.max(0, (value - FROM) / (TO - FROM))));
}

/** Means over squares of 2 reach + 1 pixels; edges go on. */
function means({ width, height, data }, reach) {
  const pass = (source, step, length) => source.map((_, i) => {
    const place = Math.floor(i / step) % length;
    let sum = 0;
    for (let k = -reach; k <= reach; k++) sum += source[i + (Math.min(length - 1, Math.max(0, place + k)) - place) * step];
    return sum / (2 * reach + 1);
  });
  return { width, height, data: pass(pass(data, 1, width), width, height) };
}

/** How far a place is from the nearest of some lines of places. */
function distance(lines, [x, y]) {
  let nearest = Infinity;
  for (const line of lines) {
    for (let i = 1; i < line.length; i++) {
      const [from, to] = [line[i - 1], line[i]];
      const [ux, uy] = [to[0] - from[0], to[1] - from[1]];
      const share = clip(((x - from[0]) * ux + (y - from[1]) * uy) / Math.max(ux * ux + uy * uy, 1e-12));
      const [across, down] = [x - from[0] - share * ux, y - from[1] - share * uy];
      nearest = Math.min(nearest, across * across + down * down);
    }
  }
  return Math.sqrt(nearest);
}

/** Rows of the brows that nothing hides. `share` is what the network says of what is before the face. */
export function seenBrows(places, share) {
  const at = (row) => sampled({ side: share.width, data: share.data }, 0, places[row]);
  return SIDES.map((side) => rowsOf("brow", side)).filter((brow) => brow.reduce((sum, row) => sum + at(row), 0) / brow.length < BROW_HIDDEN);
}

/** Whether a place is on one of some brows, up to its tail: it moves as one piece, also where a lock
 * touches it. */
export function wholeBrows(places, brows, eye) {
  const parts = brows.flatMap((rows) => {
    const brow = rows.map((row) => places[row]);
    const along = [added(brow[0], added(brow[0], brow[1], -1), TAIL_GOES_ON), ...smoothArc(brow)];
    return [[along, BROW], [along.slice(0, Math.floor(along.length / 3)), TAIL]].map(([line, width]) =>
      ({ line, far: width * eye, box: [0, 1].map((axis) => line.map((one) => one[axis])).map((all) => [Math.min(...all), Math.max(...all)]) }));
  });
  return (place) => parts.some(({ line, far, box }) =>
    place.every((value, axis) => value > box[axis][0] - far && value < box[axis][1] + far) && distance([line], place) < far);
}

/** Let vertices `there`, x, y and nearness of each, go along at the tails of some brows: on a temple
 * that turns away skin that hardly moves would draw them down to it. */
export function keepTails(brows, here, there, before, after, eye) {
  for (const [last, , inner] of brows) {
    const way = added(after[last], before[last], -1);
    const far = added(before[last], before[inner], -1);
    const on = far.map((value) => value / Math.max(Math.hypot(...far), 1e-9));
    for (let v = 0; v < here.length; v += 3) {
      const from = [here[v] - before[last][0], here[v + 1] - before[last][1]];
      const along = dot(from, on) / eye;
      const beside = dot(from, [-on[1], on[0]]) / (eye * TAIL_WIDE);
      const share = (1 - clip(along / TAIL_ENDS) ** 2) * clip(1 + along / TAIL_WIDE) * Math.exp(-beside * beside);
      const goes = dot([there[v] - here[v], there[v + 1] - here[v + 1]], way) / Math.max(dot(way, way), 1e-12);
      const lack = clip(share - Math.max(0, goes));
      there[v] += lack * way[0];
      there[v + 1] += lack * way[1];
    }
  }
}

/** Keep the lines of the upper lids' lashes whole in vertices `there`, where a brow's skin comes down to
 * them: it would be pushed over the lids. */
export function keepLids(here, there, before, after, { right, down }, eye) {
  for (const side of SIDES) {
    const [was, now] = [before, after].map((marks) => {
      const edge = rowsOf("lid_upper", side).map((row) => [dot(marks[row], right), dot(marks[row], down)]).sort(([a], [b]) => a - b);
      const [xs, ys] = [0, 1].map((axis) => edge.map((place) => place[axis]));
      return { xs, above: (place) => (interpolated(dot(place, right), xs, ys) - dot(place, down)) / eye };
    });
    for (let v = 0; v < here.length; v += 3) {
      const place = [here[v], here[v + 1]];
      const x = dot(place, right);
      const inwards = Math.min(x - was.xs[0], was.xs.at(-1) - x) / (FROM_CORNER * eye);
      const height = inwards > 0 ? was.above(place) : 0;
      if (height <= 0) continue;
      const least = Math.min(height, LASHES + SLIDES * (height - LASHES));
      const lift = eye * clip(inwards) * Math.max(0, least - now.above([there[v], there[v + 1]]));
      there[v] -= lift * down[0];
      there[v + 1] -= lift * down[1];
    }
  }
}

/** Let the base of a nose go up and down as one piece in vertices `there`: its nostrils would be pressed
 * to a line between the tip and a lip that rises. */
export function keepNostrils({ isLower }, here, there, before, after, { right, down }, eye) {
  const marks = before.map((place, row) => ({ x: dot(place, right), y: dot(place, down), rise: dot(added(place, after[row], -1), down) }));
  const [tip, middle] = rowsOf("nose").map((row) => marks[row]);
  const line = (places) => [...places].sort((a, b) => a.x - b.x);
  const base = line([middle, ...SIDES.flatMap((side) => rowsOf("nostril", side).map((row) => marks[row]))]);
  const lip = line(rowsOf("lip_outer_upper").map((row) => marks[row]));
  const [baseX, lipX] = [base, lip].map((places) => places.map(({ x }) => x));
  const onLip = (x, name) => interpolated(x, lipX, lip.map((one) => one[name]));
  const top = base.map(({ y }) => y - NOSTRIL[0] * eye);
  const above = top.map((y) => Math.max(y - tip.y, GIVES_WAY * eye));
  const below = base.map(({ x, y }) => Math.max(onLip(x, "y") - y - NOSTRIL[1] * eye, GIVES_WAY * eye));
  const wanted = base.map(({ x, rise }, i) => {
    const even = (tip.rise * below[i] + onLip(x, "rise") * above[i]) / (above[i] + below[i]);
    return i % (base.length - 1) ? even : (even + rise) / 2;  // wings go with cheeks, too
  });
  for (let v = 0; v < isLower.length; v++) {
    if (isLower[v]) continue;
    const [x, y] = [right, down].map((axis) => dot([here[3 * v], here[3 * v + 1]], axis));
    const beside = Math.max(0, baseX[0] - x, x - baseX.at(-1)) / eye;
    if (beside >= BESIDE_NOSE) continue;
    const at = (values) => interpolated(x, baseX, values);
    const share = ONE_PIECE * (1 - beside / BESIDE_NOSE) * clip(1 - (at(top) - y) / at(above)) * clip((onLip(x, "y") - y) / at(below));
    const lack = share * (dot([here[3 * v] - there[3 * v], here[3 * v + 1] - there[3 * v + 1]], down) - at(wanted));
    there[3 * v] += lack * down[0];
    there[3 * v + 1] += lack * down[1];
  }
}

/** A plane over the crop with another value on brows. */
export const onBrows = (source, isBrow, value) =>
  like(source, (own, i) => (isBrow([((i % source.width) + 0.5) / source.width, (Math.floor(i / source.width) + 0.5) / source.width]) ? value : own));

/** How far skin goes its way, 0 to 1, by the landmarks now, and where it was and is: not beside the head, nor
 * next to hair, whose thin ends would be torn off. `head` is the head's share, `hair` a matte or null,
 * `brows` rows of those that are seen. */
export function freedom(head, hair, eye, brows) {
  const side = head.width;
  const soft = (isIn, reach, most) => {
    const wide = largest(like(head, (_, i) => Number(isIn(i))), 2 * Math.round(reach / 2) + 1);
    return { side, data: blurred(wide.data, side, side, reach / 2).map((value) => clip(most * value)) };
  };
  const hairAt = (i) => sampled({ side: hair.width, data: hair.data }, 0, [((i % side) + 0.5) / side, (Math.floor(i / side) + 0.5) / side]);
  const moves = soft((i) => head.data[i] > HEAD, Math.max(1, FADE * eye * side), 2);
  const near = hair && soft((i) => hairAt(i) > HAIR, BESIDE_HAIR * eye * side, 1.3);
  const rows = [...SIDES.map(eyeRows), rowsOf("lip_outer_upper"), rowsOf("lip_outer_lower")];
  const upToHair = (brow) => {
    const on = added(brow[0], brow[2], -1);
    return [added(brow[0], on, BROW_GOES_ON * eye / Math.max(Math.hypot(...on), 1e-9)), ...brow];
  };
  return (marks) => {
    const lines = rows.map((line) => line.map((row) => marks[row]));
    lines.push(...brows.map((brow) => upToHair(brow.map((row) => marks[row]))));
    return (was, now) => {
      const own = sampled(moves, 0, was);
      const held = near ? sampled(near, 0, now) : 0;
      if (!own || !held) return own;
      const away = distance(lines, now) / (FREE * eye);
      return own * (1 - held * (1 - clip(2 / (1 + Math.exp(3.4 * (away - 1))))));  // a blur's edge
    };
  };
}
