// Paint for faces without colour: as reggan_plugin/answers/grey_faces.py does it.

const [TOP, BOTTOM, LEFT, RIGHT] = [0.42, 0.78, 0.36, 0.64];
const [MOST, COLOURLESS, COLOURED, DARKEST] = [0.98, 0.1, 0.16, 0.02];

/** Outputs by name, with paint in the tint of a face that has no other colour; `face`: its planes. */
export function muted(outputs, face) {
  const { most, mean } = middle(face);
  const share = Math.min(1, (COLOURED - most) / (COLOURED - COLOURLESS));
  if (!(share > 0)) return outputs;
  const average = (colour) => (colour[0] + colour[1] + colour[2]) / 3;
  const tint = mean.map((value) => value / Math.max(average(mean), DARKEST));
  return Object.fromEntries(Object.entries(outputs).map(([name, output]) => {
    if (!name.endsWith("paint")) return [name, output];
    const [data, pixels] = [output.data.slice(), output.dims[2] * output.dims[3]];
    for (let i = 0; i < pixels; i++) {
      const grey = average([0, 1, 2].map((index) => data[index * pixels + i]));
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
  values.sort((a, b) => a - b);
  const place = MOST * (values.length - 1);
  const below = Math.floor(place);
  const above = values[Math.min(below + 1, values.length - 1)];
  return {
    most: values[below] + (place - below) * (above - values[below]),
    mean: sum.map((value) => value / values.length),
  };
}
