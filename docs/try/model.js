// The model in this page: onnxruntime-web, and a face from crop to changed frame.

import * as ort from "./ort/ort.wasm.min.mjs";
import { composeMotion, motionInFrame } from "./motion.js";
import { composePicture } from "./picture.js";
import { plane } from "./planes.js";

ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
ort.env.wasm.numThreads = 1;  // more need headers that a plain file server does not send

const clip = (value, most) => Math.min(most, Math.max(0, value));

export class Model {
  /** `described` is model.json: the card, and the vector of each expression. */
  static async load() {
    const described = await (await fetch("model.json")).json();
    const session = await ort.InferenceSession.create("model.onnx", { executionProviders: ["wasm"] });
    return new Model(described, session);
  }

  constructor({ card, expressions, limits }, session) {
    Object.assign(this, { card, expressions, limits, session });
  }

  /** What the model is given: vectors of expressions times their weights, within its limits. */
  vector(weights) {
    const total = new Float32Array(this.limits.length);
    for (const [name, weight] of Object.entries(weights)) {
      this.expressions[name].forEach((value, i) => (total[i] += weight * value));
    }
    return total.map((value, i) => clip(value, this.limits[i]));
  }

  /** The planes of a frame with the face changed; those given stay as they are. */
  async change(frame, crop, weights) {
    const vector = this.vector(weights);
    const result = frame.map((one) => ({ ...one, data: one.data.slice() }));
    if (vector.every((value) => value === 0)) return result;
    const side = this.card.image_size_px;
    const before = frame.map((one) => crop.cut(one));
    for (const { data } of before) data.forEach((value, i) => (data[i] = clip(value, 1)));
    const image = new Float32Array(3 * side * side);
    before.forEach(({ data }, index) => image.set(data, index * side * side));
    const isMotion = this.card.contract === 2;
    const outputs = await this.session.run({
      image: new ort.Tensor("float32", image, [1, 3, side, side]),
      [isMotion ? "controls" : "expression"]: new ort.Tensor("float32", vector, [1, vector.length]),
    });
    const region = crop.region(frame[0].width, frame[0].height);
    if (isMotion) composeMotion(result, motionInFrame(outputs, this.card, crop, region), region);
    else composePicture(result, before, outputs, crop, region);
    return result;
  }
}

/** Three planes in [0, 1] of an ImageData. */
export function planesOf({ width, height, data }) {
  return [0, 1, 2].map((index) => {
    const result = plane(width, height);
    for (let i = 0; i < result.data.length; i++) result.data[i] = data[4 * i + index] / 255;
    return result;
  });
}

/** An opaque ImageData of three planes. */
export function imageOf(planes) {
  const { width, height } = planes[0];
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    planes.forEach(({ data }, index) => (image.data[4 * i + index] = Math.round(clip(data[i], 1) * 255)));
    image.data[4 * i + 3] = 255;
  }
  return image;
}
