// The model in a browser: onnxruntime-web finds a face's landmarks once; each change is geometry.

import { beneath } from "./backdrop.js";
import { Face } from "./skin_motion.js";
import { freedom, frontMatte, onBrows, seenBrows, wholeBrows } from "./in_front_of_face.js";
import { Locator } from "./locator.js";
import { Mesh } from "./mesh.js";
import { Mouth } from "./mouth_drawing.js";
import { readNpz } from "./npz.js";
import { BILINEAR, plane, resize } from "./resampling.js";
import { CELLS } from "./refinement.js";
import { clip, eyeDistanceOf, rowAt, rowsOf, Template } from "./rig.js";
import { liftSpectacles } from "./spectacles.js";

const [HEAD, FRONT, SPECTACLES] = [1, 2, 3];  // of the network's label
const SIDES = ["right", "left"];
const [SMALLEST_EYE_PX, LARGEST_EYE_PX, GREY] = [48, 320, 128];

/** onnxruntime-web: with WebGPU where the browser has it and can wait for it, else on the processor. */
async function openRuntime() {
  const hasGpu = "Suspending" in WebAssembly && Boolean(await navigator.gpu?.requestAdapter().catch(() => null));
  const ort = hasGpu ? await import("./ort/ort.jspi.min.mjs") : await import("./ort/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
  ort.env.wasm.numThreads = 1;  // more need headers that a plain file server does not send
  ort.env.logLevel = "error";
  return { ort, device: hasGpu ? "webgpu" : "wasm" };
}

export class Model {
  /** What lies beside this file: model.json (the card, the vector of each expression, and the limits
   * of its entries), the networks, and the rig. */
  static async load() {
    const beside = async (file) => fetch(new URL(file, import.meta.url));
    const [described, { ort, device }, template, mouth] = await Promise.all([
      beside("model.json").then((answer) => answer.json()), openRuntime(),
      ...["template.npz", "mouth.npz"].map((file) => beside(file).then((answer) => answer.arrayBuffer()).then(readNpz))]);
    const open = (file, executionProviders = ["wasm"]) =>
      ort.InferenceSession.create(new URL(file, import.meta.url).href, { executionProviders, logSeverityLevel: 3 });
    const tensor = (data, dims) => new ort.Tensor("float32", data, dims);
    return Object.assign(new Model(), described, { device, tensor,
      session: await open("model.onnx", [device, "wasm"]).catch(() => open("model.onnx")),
      locator: new Locator(await open("detector.onnx"), await open("landmarks.onnx"), tensor),
      template: new Template(template), mouth: new Mouth(mouth) });
  }

  /** Six landmarks of each face of an ImageData, the largest first. */
  locate(image) {
    return this.locator.locate(planesOf(image));
  }

  /** Weights of the shapes for weights of expressions, within limits. */
  shapes(weights) {
    const total = new Array(this.limits.length).fill(0);
    for (const [name, weight] of Object.entries(weights)) {
      this.expressions[name].forEach((value, i) => (total[i] += weight * value));
    }
    return Object.fromEntries(this.card.controls.map((name, i) => [name, clip(total[i], 0, this.limits[i])]));
  }

  /** Lay the rig over a face of a frame: what `drawn` draws. */
  async open(image, whole) {
    const region = whole.region(image.width, image.height);
    const crop = whole.moved(-region.left, -region.top);
    const frame = planesOf(image, region);
    const side = this.card.image_size_px;
    const cut = frame.map((one) => crop.cut(one));
    for (const { data } of cut) data.forEach((value, i) => (data[i] = clip(value)));
    const ask = async (planes) => {
      const input = new Float32Array(3 * side * side);
      planes.forEach(({ data }, index) => input.set(data, index * side * side));
      const inputs = { image: this.tensor(input, [1, 3, side, side]) };
      if (this.isRefined) inputs.asked = this.#asked();  // for landmarks alone
      return { inputs, ...(await this.session.run(inputs)) };
    };
    let found = await ask(cut);
    const { label } = found;
    const number = (usual, low, high) => (value) => clip(Number.isNaN(value) ? usual : value, low, high);
    const placesOf = ({ points, sigma }) =>
      Array.from(sigma.data, (_, row) => rowAt(points.data, row, 2).map(number(0.5, -0.5, 1.5)));
    const seen = placesOf(found);
    const lifted = liftSpectacles(cut, shareOf(label, SPECTACLES),
      wholeBrows(seen, SIDES.map((one) => rowsOf("brow", one)), eyeDistanceOf(seen)));
    if (lifted.front) found = await ask(lifted.face);
    const { inputs, sigma } = found;
    const places = placesOf(found);
    const sure = Array.from(sigma.data, number(1, 1e-5, 1));
    const eye = eyeDistanceOf(places);
    const brows = seenBrows(places, shareOf(label, FRONT));
    const isBrow = wholeBrows(places, brows, eye);
    const matte = frontMatte(lifted.face, shareOf(label, FRONT));
    const hair = matte && onBrows(matte, isBrow, 0);
    const front = both(hair, lifted.front);
    const head = shareOf(label, HEAD);
    if (label.dims[1] > SPECTACLES) shareOf(label, SPECTACLES).data.forEach((value, i) => (head.data[i] += value));
    const source = front ? beneath(frame, crop.spread(front, { ...region, left: 0, top: 0 })) : frame;
    const squareOf = ([left, top, right]) => {
      const px = clip(Math.round((right - left) * side * crop.scale), SMALLEST_EYE_PX, LARGEST_EYE_PX);
      return source.map((one) => crop.window([left, top, right], px).cut(one));
    };
    const face = new Face(this.template, this.mouth, lifted.face, squareOf, places, sure,
      freedom(onBrows(head, isBrow, 1), hair, eye, brows), brows,
      (was, now) => crop.held(was, now, [region.width, region.height]));
    const base = await createImageBitmap(image, region.left, region.top, region.width, region.height);
    const refine = this.isRefined ? async (planes) => {
      const { mix, motion, gain } = await this.session.run({ image: inputs.image, asked: this.#asked(planes) });
      return Object.fromEntries(Object.entries({ mix, motion, gain }).map(([name, { dims, data }]) =>
        [name, { side: dims[3], data: data.map((value) => (Number.isFinite(value) ? value : 0)) }]));
    } : null;
    return { region, crop, face, refine, front, base, image: imageOf(source) };
  }

  get isRefined() {
    return this.card.outputs.includes("gain");
  }

  /** What the network is asked beside the picture; zeros ask for landmarks. */
  #asked(planes = new Float32Array(14 * CELLS * CELLS)) {
    return this.tensor(planes, [1, 14, CELLS, CELLS]);
  }

  /** A face with weights of expressions on a canvas, reduced by a whole factor; a draft goes without
   * what the network adds. */
  async drawn(shown, weights, factor, isDraft = false) {
    const moved = await shown.face.moved(this.shapes(weights), isDraft ? null : shown.refine);
    this.mesh ??= new Mesh(this.template.triangles);
    this.mesh.show(shown);
    this.mesh.draw(moved, factor);
    const { region: { width, height }, base } = shown;
    const canvas = new OffscreenCanvas(Math.ceil(width / factor), Math.ceil(height / factor));
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(base, 0, 0, width / factor, height / factor);
    context.globalCompositeOperation = "source-atop";  // what is transparent stays so
    context.drawImage(this.mesh.canvas, 0, 0);
    return canvas;
  }
}

/** The plane of a network's label that says how much of each cell shows a thing. */
function shareOf({ dims, data }, thing) {
  const cells = dims[3];
  const start = thing * cells * cells;
  return { width: cells, height: cells, data: data.slice(start, start + cells * cells).map((value) => clip(value || 0)) };
}

/** Two planes of what stands before a face as one, at the larger resolution; either may be null. */
function both(one, other) {
  if (!one || !other) return one ?? other;
  const [small, large] = [one, other].sort((a, b) => a.width - b.width);
  const grown = resize(small, large.width, large.height, BILINEAR);
  return { ...large, data: large.data.map((value, i) => Math.max(value, grown.data[i])) };
}

/** Three planes in [0, 1] of a part of an ImageData, before grey where it is transparent. */
function planesOf({ width, height, data }, part = { left: 0, top: 0, width, height }) {
  return [0, 1, 2].map((index) => {
    const result = plane(part.width, part.height);
    for (let y = 0, to = 0; y < part.height; y++) {
      let from = 4 * ((part.top + y) * width + part.left);
      for (let x = 0; x < part.width; x++, from += 4) {
        const alpha = data[from + 3];
        result.data[to++] = (alpha === 255 ? data[from + index] : (alpha * data[from + index] + (255 - alpha) * GREY) / 255) / 255;
      }
    }
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
