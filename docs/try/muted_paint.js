// Paint for faces without colour: as reggan_plugin/muted_paint.py does it.

import { percentile } from "./planes.js";

const [TOP, BOTTOM, LEFT, RIGHT] = [0.42, 0.78, 0.36, 0.64];
const [MOST, COLOURLESS, COLOURED, BEYOND, DARKEST] = [0.98, 0.18, 0.26, 1.2, 0.02];

function saturation(colour) {
  const largest = Math.max(...colour);
  return (largest - Math.min(...colour)) / Math.max(largest, DARKEST);
}

/** Outputs by name, with paint hardly more colourful than a face without colour; `face`: its planes. */
export function muted(outputs, face) {
  const most = mostSaturated(face);
  const share = Math.min(1, (COLOURED - most) / (COLOURED - COLOURLESS));
  if (share <= 0) return outputs;
  const limit = BEYOND * most;
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => {
    if (!name.endsWith("paint")) return [name, output];
    const [data, pixels] = [output.data.slice(), output.dims[2] * output.dims[3]];
    for (let i = 0; i < pixels; i++) {
      const colour = [0, 1, 2].map((index) => data[index * pixels + i]);
      const [grey, largest] = [(colour[0] + colour[1] + colour[2]) / 3, Math.max(...colour)];
      const beyond = largest - Math.min(...colour) - limit * (largest - grey);
      const kept = Math.min(1, (limit * grey) / Math.max(beyond, 1e-6));
      colour.forEach((value, index) => (data[index * pixels + i] += share * (1 - kept) * (grey - value)));
    }
    return [name, { dims: output.dims, data }];
  }));
}

/** The percentile that lips reach, from the eyes to below them. */
function mostSaturated(face) {
  const side = face[0].width;
  const values = [];
  for (let y = Math.floor(TOP * side); y < Math.floor(BOTTOM * side); y++) {
    for (let x = Math.floor(LEFT * side); x < Math.floor(RIGHT * side); x++) {
      values.push(saturation(face.map(({ data }) => data[y * side + x])));
    }
  }
  return percentile(Float32Array.from(values), MOST);
}
