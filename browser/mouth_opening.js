// Lips that a change parts, holds together or rolls in: as reggan_plugin/rig/mouth_opening.py has it.

import { mouth_opening } from "./constants.js";
import { added, between, clip, dot, interpolated, LOWER, rowsOf, UPPER } from "./rig.js";

const { LIPS_REACH: REACH, STEEPEST, LEAST_LIP, LIP_DEPTH: DEPTH, LINE, LINE_EDGE, LINE_REACH, LIPS_BESIDE, STEEP, ROUND } = mouth_opening;
const STEPS = 8;

/** The lips' edges, their corners moved inwards where both lips leave them steeply: there they are round. */
export function roundCorners({ upper, lower, right, down }) {
  const corner = (end, next) => {
    const away = dot(added(between(upper.at(next), lower.at(next), 0.5), upper.at(end), -1), right);
    const [rise, fall] = [[upper.at(end), upper.at(next)], [lower.at(next), lower.at(end)]].map(([to, from]) => dot(added(to, from, -1), down));
    const steep = 2 * Math.min(rise, fall) / Math.max(Math.abs(away), 1e-9);
    return added(upper.at(end), right, away * interpolated(steep, STEEP, [0, ROUND]));
  };
  const ends = [corner(0, 1), corner(-1, -2)];
  const [above, below] = [upper, lower].map((edge) => [ends[0], ...edge.slice(1, -1), ends[1]]);
  return { upper: above, lower: below };
}

/** Motion of the vertices, two numbers each, that parts the lips by `apart`, [x, y] from each upper
 * point of the inner lips to the lower one: half of it to each lip, less away from their line. */
export function parting(template, apart) {
  const { rest, landmarks, isLower } = template;
  const order = UPPER.map((_, i) => i).sort((i, k) => landmarks[3 * UPPER[i]] - landmarks[3 * UPPER[k]]);
  const [x, y] = [0, 1].map((axis) => order.map((i) => landmarks[3 * UPPER[i] + axis]));
  const inner = rowsOf("lip_inner_upper");
  const corners = [inner[0], inner.at(-1)].map((row) => landmarks[3 * row]).sort((a, b) => a - b);
  const known = [corners[0] - REACH, corners[0], ...x, corners[1], corners[1] + REACH];
  const [right, down] = [0, 1].map((axis) => {
    const own = order.map((i) => apart[i][axis]);
    return [0, own[0], ...own, own.at(-1), 0];
  });
  const result = new Float32Array((2 * rest.length) / 3);
  for (let i = 0, v = 0; i < rest.length; i += 3, v++) {
    const away = (rest[i + 1] - interpolated(rest[i], x, y)) / REACH;
    const share = (isLower[v] ? 0.5 : -0.5) * Math.exp(-away * away);
    if (Math.abs(share) < 1e-12) continue;
    result[2 * v] = share * interpolated(rest[i], known, right);
    result[2 * v + 1] = share * interpolated(rest[i], known, down);
  }
  return result;
}

/** Motion of the vertices, two numbers each, that lets both lips go up and down evenly towards the corners. */
export function evenCorners({ rest, landmarks }, before, after, { right, down }) {
  const [inner, ends] = [rowsOf("lip_inner_upper"), rowsOf("lip_outer_upper")];
  const [above, below] = [UPPER, LOWER].map((rows) => [ends[0], inner[0], ...rows, inner.at(-1), ends.at(-1)]);
  const middleOf = (marks, axis) => above.map((row, i) => (dot(marks[row], axis) + dot(marks[below[i]], axis)) / 2);
  const [x, y, yAfter] = [middleOf(before, right), middleOf(before, down), middleOf(after, down)];
  const goes = yAfter.map((value, i) => value - y[i]);
  const even = [...goes];
  const middle = (goes.length - 1) / 2;
  for (const way of [1, -1])
    for (let i = middle + way; i in goes; i += way) {
      const most = STEEPEST * Math.abs(x[i] - x[i - way]);
      even[i] = even[i - way] + clip(goes[i] - even[i - way], -most, most);
    }
  const line = [0, 1].map((axis) => above.map((row, i) => (landmarks[3 * row + axis] + landmarks[3 * below[i] + axis]) / 2));
  const known = [line[0][0] - REACH, ...line[0], line[0].at(-1) + REACH];
  const lifts = [0, ...even.map((value, i) => value - goes[i]), 0];
  return Float32Array.from({ length: (2 * rest.length) / 3 }, (_, i) => {
    const v = 3 * Math.floor(i / 2);
    const away = (rest[v + 1] - interpolated(rest[v], ...line)) / REACH;
    return interpolated(rest[v], known, lifts) * Math.exp(-away * away) * down[i % 2];
  });
}

/** How far the lips are to be parted so that a change lays none over the other, as `parting` takes it. */
export function overlap(before, after, down) {
  const over = (marks, i) => Math.max(0, dot(marks[UPPER[i]], down) - dot(marks[LOWER[i]], down));
  return UPPER.map((_, i) => down.map((value) => value * Math.max(0, over(after, i) - over(before, i))));
}

/** Put vertices `there`, x, y and nearness of each, so that no lip rolls in so far that its edge is lost. */
export function keepLips(template, here, there, before, after, { right, down }, eye) {
  const inner = rowsOf("lip_inner_upper");
  const lower = [inner[0], ...LOWER, inner.at(-1)];
  const lineOf = (marks, rows) => {
    const line = rows.map((row) => [dot(marks[row], right), dot(marks[row], down)]).sort(([a], [b]) => a - b);
    return [0, 1].map((axis) => line.map((place) => place[axis]));
  };
  for (const [rows, way, isOfLower] of [[inner, -1, false], [lower, 1, true]]) {
    const [edge, newEdge] = [lineOf(before, rows), lineOf(after, rows)];
    for (let v = 0; v < template.isLower.length; v++) {
      if (template.isLower[v] !== isOfLower) continue;
      const [place, moved] = [here, there].map((points) => [points[3 * v], points[3 * v + 1]]);
      const along = dot(place, right);
      const depth = way * (dot(place, down) - interpolated(along, ...edge));
      if (depth <= 0 || depth >= DEPTH * eye) continue;
      const left = way * (dot(moved, down) - interpolated(dot(moved, right), ...newEdge));
      const beyond = Math.max(0, edge[0][0] - along, along - edge[0].at(-1)) / (0.5 * REACH * eye);
      const lack = way * Math.max(0, LEAST_LIP * depth - left) * Math.exp(-beyond * beyond);
      there[3 * v] += lack * down[0];
      there[3 * v + 1] += lack * down[1];
    }
  }
}

/** How far the dark line between shut lips goes onto each of them, at each of their places, in parts
 * of the crop's side: [upper, lower]; `luma` of a place. */
export function darkLine(lips, eye, luma) {
  return [["upper", -1], ["lower", 1]].map(([edge, way]) => lips[edge].map((place) => {
    const at = (far) => luma(added(place, lips.down, way * far * eye));
    const usual = LIPS_BESIDE.reduce((sum, far) => sum + at(far) / 2, 0);
    let step = STEPS;
    while (step && at(step * LINE_REACH / STEPS) >= LINE * usual) step--;
    return step && (step * LINE_REACH / STEPS + LINE_EDGE) * eye;
  }).map((far, i, all) => Math.max(far, all[i - 1] ?? 0, all[i + 1] ?? 0)));
}

/** Where vertices of lips that part take their colours, [row, [x, y]]: beyond that line, which would
 * be a second edge beside the new one. `lines` as `darkLine` has them. */
export function beyondLine(template, here, lips, lines, reach) {
  return [["upper", -1], ["lower", 1]].flatMap(([edge, way], side) => {
    const line = lips[edge].map((place, i) => [dot(place, lips.right), dot(place, lips.down), lines[side][i]]).sort(([a], [b]) => a - b);
    const beyond = ([along, down], way) => [along + way * reach, down, 0];  // the line fades at the corners
    const [x, y, far] = [0, 1, 2].map((axis) => [beyond(line[0], -1), ...line, beyond(line.at(-1), 1)].map((one) => one[axis]));
    return Array.from(template.isLower, (isLower, v) => {
      const place = [here[3 * v], here[3 * v + 1]];
      const along = dot(place, lips.right);
      if (isLower !== (way > 0) || along < x[0] || along > x.at(-1)) return null;
      const lack = interpolated(along, x, far) - way * (dot(place, lips.down) - interpolated(along, x, y));
      return lack > 0 && lack < reach ? [v, added(place, lips.down, way * lack)] : null;
    }).filter(Boolean);
  });
}

/** 1 at pairs of lips that a change leaves shut, 0 where it parts them; `gaps` in eye distances. */
export const shutShares = (gaps, [shut, apart]) => gaps.map((gap) => 1 - clip((gap - shut) / (apart - shut)));
