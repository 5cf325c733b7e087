// What the network adds to a rig's motion and light: as reggan_plugin/rig/refinement.py has it.

import { parting, shutShares } from "./mouth_opening.js";
import { clip, LOWER, sampled, UPPER } from "./rig.js";

export const CELLS = 128;
export const TRUST = 0.6;
const LIPS = [0.03, 0.10];
const [EDGE_ON, SEEN, MIDDLE, CHEEK] = [0.1, 0.5, 0.45, 0.7];

/** Which triangle each cell of the crop shows where the vertices lie, as raster.py draws it: the
 * cells, three vertices and three weights of each. */
export function rasterised(here, triangles) {
  const [depth, shown] = [new Float32Array(CELLS * CELLS).fill(-Infinity), new Int32Array(CELLS * CELLS).fill(-1)];
  const first = (place) => Math.min(CELLS, Math.max(0, Math.ceil(place - 0.5)));
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = [0, 1, 2].map((k) => [0, 1, 2].map((axis) => CELLS * here[3 * triangles[t + k] + axis]));
    const [[ax, ay], [bx, by], [cx, cy]] = corners;
    if (!((bx - ax) * (cy - ay) - (by - ay) * (cx - ax) < 0)) continue;  // seen from behind
    const [top, middle, bottom] = corners.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    const cut = (from, to, y) => {
      const share = (y - from[1]) / ((to[1] - from[1]) || 1);
      return [from[0] + share * (to[0] - from[0]), from[2] + share * (to[2] - from[2])];
    };
    for (let row = first(top[1]); row < first(bottom[1]); row++) {
      const y = row + 0.5;
      const [longX, longZ] = cut(top, bottom, y);
      const [shortX, shortZ] = y >= middle[1] ? cut(middle, bottom, y) : cut(top, middle, y);
      const slope = (shortZ - longZ) / ((shortX - longX) || 1);
      for (let x = first(Math.min(longX, shortX)); x < first(Math.max(longX, shortX)); x++) {
        const cell = row * CELLS + x;
        const near = Math.fround(longZ + (x + 0.5 - longX) * slope);
        if (near < depth[cell]) continue;
        [depth[cell], shown[cell]] = [near, t];
      }
    }
  }
  const cells = [...shown.keys()].filter((cell) => shown[cell] >= 0);
  const [vertices, weights] = [new Int32Array(3 * cells.length), new Float32Array(3 * cells.length)];
  cells.forEach((cell, i) => {
    const corners = [0, 1, 2].map((k) => triangles[shown[cell] + k]);
    const [[ax, ay], [bx, by], [cx, cy]] = corners.map((one) => [CELLS * here[3 * one], CELLS * here[3 * one + 1]]);
    const [ux, uy, vx, vy] = [bx - ax, by - ay, cx - ax, cy - ay];
    const [x, y] = [(cell % CELLS) + 0.5 - ax, Math.floor(cell / CELLS) + 0.5 - ay];
    const area = ux * vy - uy * vx;
    const second = Math.min(1, Math.max(0, (x * vy - y * vx) / area));
    const third = Math.min(1 - second, Math.max(0, (y * ux - x * uy) / area));
    vertices.set(corners, 3 * i);
    weights.set([1 - second - third, second, third], 3 * i);
  });
  return { cells, vertices, weights };
}

/** Values of the vertices, an array for each plane, at the cells that show the mesh. */
export function planesFrom({ cells, vertices, weights }, values) {
  const result = new Float32Array(values.length * CELLS * CELLS);
  values.forEach((own, plane) => cells.forEach((cell, i) => {
    let sum = 0;
    for (let k = 3 * i; k < 3 * i + 3; k++) sum += weights[k] * own[vertices[k]];
    result[plane * CELLS * CELLS + cell] = sum;
  }));
  return result;
}

/** Motion to be added to the vertices, two numbers each, in eye distances.
 * `meant`: what each convention would add, likewise; `refined`: planes { mix, motion }; `gaps`
 * between the lips in the rig's result. */
export function addedMotion(template, here, meant, { mix, motion }, gaps) {
  const result = new Float32Array(2 * template.keep.length);
  const normals = template.normals(here);
  template.keep.forEach((keep, v) => {
    const turns = clip((SEEN - Math.abs(normals[3 * v + 2])) / (SEEN - EDGE_ON));
    const cheek = clip((Math.abs(template.rest[3 * v]) - MIDDLE) / (CHEEK - MIDDLE));
    const trust = TRUST * keep * template.awayFromLids[v] * (1 - turns * cheek);
    if (!trust) return;
    const place = [here[3 * v], here[3 * v + 1]];
    const shares = meant.map((_, k) => sampled(mix, k, place));
    for (const axis of [0, 1]) {
      const own = sampled(motion, (template.isLower[v] ? 2 : 0) + axis, place);
      result[2 * v + axis] = trust * (own + shares.reduce((sum, share, k) => sum + share * meant[k][2 * v + axis], 0));
    }
  });
  const marks = template.atLandmarks(result, 2);
  const shut = shutShares(gaps, LIPS);
  const held = parting(template, UPPER.map((row, i) => [0, 1].map((axis) =>
    shut[i] * (marks[2 * LOWER[i] + axis] - marks[2 * row + axis]))));
  return result.map((value, i) => value - held[i]);
}
