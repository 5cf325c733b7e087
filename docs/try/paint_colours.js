// Colours of paint: as reggan_plugin/change/paint_colours.py has them.

import { percentile } from "./planes.js";

const [TOP, BOTTOM, LEFT, RIGHT] = [0.42, 0.78, 0.36, 0.64];
const [MOST, COLOURLESS, COLOURED, DARKEST, RED, IVORY] = [0.98, 0.1, 0.16, 0.02, 0.05, 0.5];

/** Outputs by name, with paint no greener than ivory or the face, no redder than lips, and in the tint of a grey face. */
export function inFaceColours(outputs, face) {
  const { most, mean } = middle(face);
  const share = Math.max(0, Math.min(1, (COLOURED - most) / (COLOURED - COLOURLESS)));
  const average = (colour) => (colour[0] + colour[1] + colour[2]) / 3;
  const tint = mean.map((value) => value / Math.max(average(mean), DARKEST));
  const redOverBlue = mean[0] - mean[2];
  const greenest = redOverBlue > 0 ? Math.max(IVORY, (mean[1] - mean[2]) / redOverBlue) : Infinity;
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => {
    if (!name.endsWith("paint")) return [name, output];
    const [data, pixels] = [output.data.slice(), output.dims[2] * output.dims[3]];
    for (let i = 0; i < pixels; i++) {
      const [red, green, blue] = [0, 1, 2].map((index) => data[index * pixels + i]);
      if (redOverBlue > 0) {
        const bound = blue + greenest * Math.max(0, red - blue);
        data[pixels + i] += Math.min(1, redOverBlue / RED) * Math.min(bound - green, 0);
      }
      const own = [0, 1, 2].map((index) => data[index * pixels + i]);
      const grey = average(own);
      const [above, below] = [Math.max(...own) - grey, Math.min(...own) - grey];
      const pure = Math.min(1, (most * grey) / Math.max(above - below - most * above, 1e-6));
      own.forEach((value, index) => (data[index * pixels + i] = grey + pure * (value - grey)));
      tint.forEach((factor, index) => (data[index * pixels + i] += share * (grey * factor - data[index * pixels + i])));
    }
    return [name, { dims: output.dims, data }];
  }));
}

/** From the eyes to below the lips: the percentile of the saturation that lips reach, and the mean colour. */
function middle(face) {
  const side = face[0].width;
  const [values, sum] = [[], [0, 0, 0]];
  for (let y = Math.floor(TOP * side); y < Math.floor(BOTTOM * side); y++) {
    for (let x = Math.floor(LEFT * side); x < Math.floor(RIGHT * side); x++) {
      const colour = face.map(({ data }) => data[y * side + x]);
      const largest = Math.max(...colour);
      values.push((largest - Math.min(...colour)) / Math.max(largest, DARKEST));
      colour.forEach((value, index) => (sum[index] += value));
    }
  }
  return { most: percentile(Float32Array.from(values), MOST), mean: sum.map((value) => value / values.length) };
}
