// The model in this page: onnxruntime-web, and a face from crop to changed frame.

import { Locator } from "./locator.js";
import { composeMotion, motionInFrame } from "./motion.js";
import { answerFromPicture } from "./picture.js";
import { plane } from "./planes.js";
import { liftSpectacles } from "./spectacles.js";

const MOST_OFF = 2 / 255;
const clip = (value, most) => Math.min(most, Math.max(0, value));

/** onnxruntime-web for a kind of device, "webgpu" or "wasm", which is all that is loaded of it. */
async function runtime(kind) {
  const ort = await import(`./ort/ort.${kind}.min.mjs`);
  ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
  ort.env.wasm.numThreads = 1;  // more need headers that a plain file server does not send
  ort.env.logLevel = "error";
  return ort;
}

/** "webgpu" where the browser has a real GPU for it, else "wasm"; ?device= in the address decides. */
async function likelyDevice() {
  const asked = new URLSearchParams(location.search).get("device");
  if (asked === "webgpu" || asked === "wasm") return asked;
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return adapter && !adapter.info?.isFallbackAdapter ? "webgpu" : "wasm";
}

export class Model {
  /** `described` is model.json: the card, the vector of each expression, how strongly each entry is asked for. */
  static async load() {
    const described = await (await fetch("model.json")).json();
    const device = await likelyDevice();
    try {
      return await Model.#on(device, described);
    } catch (error) {
      if (device === "wasm") throw error;
      console.info(`The GPU cannot run this model, so the processor does: ${error.message}`);
      return Model.#on("wasm", described);
    }
  }

  static async #on(device, described) {
    const ort = await runtime(device);
    const open = (file, provider) => ort.InferenceSession.create(file,
      { executionProviders: [provider], logSeverityLevel: 3 });
    const session = await open("model.onnx", device);
    const tensor = (data, dims) => new ort.Tensor("float32", data, dims);
    const locator = new Locator(await open("detector.onnx", "wasm"), await open("landmarks.onnx", "wasm"), tensor);
    const onProcessor = () => open("model.onnx", "wasm");
    return new Model(described, { session, tensor, locator, device, onProcessor, isProven: device === "wasm" });
  }

  constructor({ card, expressions, limits, strengths }, opened) {
    Object.assign(this, { card, expressions, limits, strengths, ...opened });
  }

  /** The picture that `compose` makes of the model's answer. The first from a GPU is made on the
   * processor, too: where they differ, the GPU is not asked again. */
  async #answer(inputs, compose) {
    if (this.isProven) return compose(await this.session.run(inputs));
    const session = await this.onProcessor();
    const own = compose(await session.run(inputs));
    const its = await this.session.run(inputs).then(compose, () => null);
    if (!its || farthest(its, own) > MOST_OFF) Object.assign(this, { session, device: "wasm" });
    this.isProven = true;
    return own;
  }

  /** What the model is given: vectors of expressions times their weights, within its limits. */
  vector(weights) {
    const total = new Float32Array(this.limits.length);
    for (const [name, weight] of Object.entries(weights)) {
      this.expressions[name].forEach((value, i) => (total[i] += weight * value));
    }
    return total.map((value, i) => clip(value, this.limits[i]));
  }

  /** A face, and as the model sees it; the sliders ask about the same one again and again. */
  #seen(frame, crop) {
    if (this.last?.frame === frame && this.last.crop === crop) return this.last;
    const before = frame.map((one) => crop.cut(one));
    for (const { data } of before) data.forEach((value, i) => (data[i] = clip(value, 1)));
    const lifted = this.card.contract === 2 ? liftSpectacles(before) : { face: before, front: null };
    return (this.last = { frame, crop, before, ...lifted });
  }

  /** The planes of a frame with the face changed; those given stay as they are. */
  async change(frame, crop, weights) {
    const vector = this.vector(weights);
    const copied = () => frame.map((one) => ({ ...one, data: one.data.slice() }));
    if (vector.every((value) => value === 0)) return copied();
    const asked = vector.map((value, i) => clip(this.strengths[i] * value, this.limits[i]));
    const side = this.card.image_size_px;
    const isMotion = this.card.contract === 2;
    const { before, face, front } = this.#seen(frame, crop);
    const image = new Float32Array(3 * side * side);
    face.forEach(({ data }, index) => image.set(data, index * side * side));
    const inputs = {
      image: this.tensor(image, [1, 3, side, side]),
      [isMotion ? "controls" : "expression"]: this.tensor(asked, [1, asked.length]),
    };
    const region = crop.region(frame[0].width, frame[0].height);
    return this.#answer(inputs, (outputs) => {
      const result = copied();
      const stays = front && crop.spread(front, region);
      const answer = isMotion ? outputs : answerFromPicture(before, outputs);
      composeMotion(result, motionInFrame(answer, face, this.card, crop, region), region, stays);
      return result;
    });
  }
}

/** Largest difference of two pictures. */
function farthest(one, other) {
  let most = 0;
  one.forEach(({ data }, index) => {
    for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(clip(data[i], 1) - clip(other[index].data[i], 1)));
  });
  return most;
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
