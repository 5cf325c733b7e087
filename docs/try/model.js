// The model in this page: onnxruntime-web finds a face's landmarks once; each change is geometry.

import { beneath } from "./backdrop.js";
import { Face } from "./face.js";
import { frontMatte } from "./front.js";
import { Locator } from "./locator.js";
import { Mesh } from "./mesh.js";
import { Mouth } from "./mouth.js";
import { readNpz } from "./npz.js";
import { BILINEAR, block, plane, resize } from "./planes.js";
import { clip, rowAt, Template } from "./rig.js";
import { liftSpectacles } from "./spectacles.js";

const [SMALLEST_EYE_PX, LARGEST_EYE_PX] = [48, 320];

export class Model {
  /** `described` is model.json: the card, the vector of each expression, and the limits of its entries. */
  static async load() {
    const fetched = async (file) => (await fetch(file)).arrayBuffer();
    const [described, template, mouth] = await Promise.all([
      fetch("model.json").then((answer) => answer.json()),
      ...["template.npz", "mouth.npz"].map((file) => fetched(file).then(readNpz))]);
    const ort = await import("./ort/ort.wasm.min.mjs");
    ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
    ort.env.wasm.numThreads = 1;  // more need headers that a plain file server does not send
    ort.env.logLevel = "error";
    const open = (file) => ort.InferenceSession.create(file, { executionProviders: ["wasm"], logSeverityLevel: 3 });
    const tensor = (data, dims) => new ort.Tensor("float32", data, dims);
    const model = new Model();
    return Object.assign(model, described, { tensor, session: await open("model.onnx"),
      locator: new Locator(await open("detector.onnx"), await open("landmarks.onnx"), tensor),
      template: new Template(template), mouth: new Mouth(mouth), runs: 0 });
  }

  /** Weights of the shapes for weights of expressions, within limits. */
  shapes(weights) {
    const total = new Array(this.limits.length).fill(0);
    for (const [name, weight] of Object.entries(weights)) {
      this.expressions[name].forEach((value, i) => (total[i] += weight * value));
    }
    return Object.fromEntries(this.card.controls.map((name, i) => [name, clip(total[i], 0, this.limits[i])]));
  }

  /** Lay the rig over a face of a frame, three planes: the network runs here alone. */
  async open(frame, crop) {
    const side = this.card.image_size_px;
    const cut = frame.map((one) => crop.cut(one));
    for (const { data } of cut) data.forEach((value, i) => (data[i] = clip(value)));
    const lifted = liftSpectacles(cut);
    const image = new Float32Array(3 * side * side);
    lifted.face.forEach(({ data }, index) => image.set(data, index * side * side));
    const inputs = { image: this.tensor(image, [1, 3, side, side]) };
    // the page asks for landmarks alone: planes of nothing
    if (this.card.outputs.includes("gain")) inputs.asked = this.tensor(new Float32Array(14 * 128 * 128), [1, 14, 128, 128]);
    const { points, sigma, label } = await this.session.run(inputs);
    this.runs += 1;
    const number = (usual, low, high) => (value) => clip(Number.isNaN(value) ? usual : value, low, high);
    const places = Array.from(sigma.data, (_, row) => rowAt(points.data, row, 2).map(number(0.5, -0.5, 1.5)));
    const sure = Array.from(sigma.data, number(1, 1e-5, 1));
    const front = both(frontMatte(lifted.face, label), lifted.front);
    const region = crop.region(frame[0].width, frame[0].height);
    const source = front ? withoutFront(frame, region, crop.spread(front, region)) : frame;
    const squareOf = ([left, top, right]) => {
      const px = clip(Math.round((right - left) * side * crop.scale), SMALLEST_EYE_PX, LARGEST_EYE_PX);
      return source.map((one) => crop.window([left, top, right], px).cut(one));
    };
    const face = new Face(this.template, this.mouth, lifted.face, squareOf, places, sure);
    this.mesh ??= new Mesh(this.template.triangles);
    this.mesh.setFace(imageOf(source), crop, region, face.eyes, front);
    return Object.assign(face, { region });
  }

  /** The change of a face, as a canvas to be laid over its region of the frame. */
  change(face, weights) {
    const moved = face.moved(this.shapes(weights));
    this.mesh.draw(moved, face.laid.map.eye);
    return Object.assign(this.mesh.canvas, { moved });
  }
}

/** Two planes of what stands before a face as one, at the larger resolution; either may be null. */
function both(one, other) {
  if (!one || !other) return one ?? other;
  const [small, large] = [one, other].sort((a, b) => a.width - b.width);
  const grown = resize(small, large.width, large.height, BILINEAR);
  return { ...large, data: large.data.map((value, i) => Math.max(value, grown.data[i])) };
}

/** A frame whose front runs on as the colours behind it. */
function withoutFront(frame, { left, top, width, height }, front) {
  const under = beneath(frame.map((one) => block(one, left, top, width, height)), front);
  return frame.map((one, index) => {
    const data = one.data.slice();
    for (let y = 0; y < height; y++) data.set(under[index].data.subarray(y * width, (y + 1) * width), (top + y) * one.width + left);
    return { ...one, data };
  });
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
function imageOf(planes) {
  const { width, height } = planes[0];
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    planes.forEach(({ data }, index) => (image.data[4 * i + index] = Math.round(clip(data[i]) * 255)));
    image.data[4 * i + 3] = 255;
  }
  return image;
}
