// The worker behind the page in the browser alone: open pictures, their faces, and what a change
// makes of them. Its methods are those of Program in reggan_plugin/ui/page/server.js.

import { cropFromBox, cropFromPoints } from "./crop.js";
import { Model } from "./model.js";
import { intensityShare } from "./pose.js";

const READ = /\.(png|jpe?g|webp)$/i;
const [MOST_PX, THUMBNAIL_PX, FRAMES_HELD, FACES_HELD] = [4096, 192, 2, 6];

/** Holds the values that were asked for last. */
class Newest {
  #values = new Map();

  constructor(most) {
    this.most = most;
  }

  async get(key, make) {
    const value = this.#values.get(key) ?? await make();
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.most) this.#values.delete(this.#values.keys().next().value);
    return value;
  }
}

const newest = new Map();  // the last order of each tab's requests

class Engine {
  files = [];
  frames = new Newest(FRAMES_HELD);
  faces = new Newest(FACES_HELD);

  constructor(model) {
    this.model = model;
  }

  open(files) {
    const read = files.filter(({ name }) => READ.test(name));
    if (!read.length) {
      throw new Error(`${files[0].name} is no picture that a browser reads: PNG, JPEG or WebP. The program `
        + "reads EXR, TIFF, clips and heads, too: pip install reggan-plugin.");
    }
    const first = this.files.length;
    this.files.push(...read);
    return { name: read[0].name, first, files: read.map(({ name }) => name) };
  }

  async frame(file) {
    const { width, height, faces, notices } = await this.#frame(file);
    return { width, height, factor: 1, kind: "frame", notices,
      faces: faces.map(({ crop, share }) => ({ box: crop.faceBox(this.model.card.canonical_landmarks), share })) };
  }

  async picture(file) {
    const { image } = await this.#frame(file);
    return createImageBitmap(image);
  }

  async small(file, longest) {
    const bitmap = await this.#decoded(file);
    const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return canvas.convertToBlob();
  }

  async change({ file, face, change, longest, draft = false, tab, order }) {
    if (order !== newest.get(tab)) return null;
    const { shown, canvas, factor, share } = await this.#changed(file, face, change, longest, draft);
    const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return { x: shown.region.left, y: shown.region.top, factor, width: canvas.width, height: canvas.height, share,
      isDraft: draft, arrows: [], image };
  }

  async thumbnail({ file, face, change }) {
    return (await this.#changed(file, face, change, THUMBNAIL_PX, true)).canvas.convertToBlob();
  }

  async save({ file, face, change, others }) {
    const { image } = await this.#frame(file);
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.putImageData(image, 0, 0);
    const all = [...Object.entries(others).map(([one, own]) => [Number(one), own]), [face, change]];
    for (const [one, own] of all.filter(([, { weights }]) => Object.keys(weights).length)) {
      const { shown: { region }, canvas: changed } = await this.#changed(file, one, own, MOST_PX);
      context.clearRect(region.left, region.top, region.width, region.height);
      context.drawImage(changed, region.left, region.top);
    }
    const label = Object.keys(change.weights).slice(0, 4).join("_").replaceAll(" ", "_") || "unchanged";
    return { name: `${this.files[file].name.replace(/\.[^.]+$/, "")}_${label}.png`, content: await canvas.convertToBlob() };
  }

  async #decoded(file) {
    const picture = this.files[file];
    return createImageBitmap(picture, { colorSpaceConversion: "none" }).catch(() => {
      throw new Error(`${picture.name} cannot be read by this browser. Expected a whole PNG, JPEG or WebP.`);
    });
  }

  #frame(file) {
    return this.frames.get(file, async () => {
      const bitmap = await this.#decoded(file);
      const scale = Math.min(1, MOST_PX / Math.max(bitmap.width, bitmap.height));
      const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
      const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
      context.drawImage(bitmap, 0, 0, width, height);
      const image = context.getImageData(0, 0, width, height);
      const { card } = this.model;
      const faces = (await this.model.locate(image)).map((points) => ({
        crop: cropFromPoints([points[0], points[1], points[3], points[4]], card.canonical_landmarks, card.image_size_px),
        share: intensityShare(points, card),
      }));
      const notices = scale < 1 ? [`Reduced to ${MOST_PX} pixels; the program keeps all of them.`] : [];
      return { image, width, height, faces, notices };
    });
  }

  /** A face with an expression: its region of the frame on a canvas, reduced by a whole factor. */
  async #changed(file, face, { weights, intensity = 1 }, longest, isDraft = false) {
    const { image, faces } = await this.#frame(file);
    const { card } = this.model;
    const { crop, share } = face.box ? { crop: cropFromBox(face.box, card.canonical_landmarks, card.image_size_px), share: 1 } : faces[face];
    const shown = await this.faces.get(JSON.stringify([file, face]), () => this.model.open(image, crop));
    const factor = Math.max(1, Math.ceil(Math.max(shown.region.width, shown.region.height) / longest));
    const asked = Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, weight * intensity * share]));
    return { shown, factor, share, canvas: await this.model.drawn(shown, asked, factor, isDraft) };
  }
}

// One request after the other: faces are drawn on one canvas.
const engine = Model.load().then((model) => new Engine(model));
let last = engine.catch(() => {});  // each request says it
onmessage = ({ data: { number, method, given } }) => {
  if (method === "change") newest.set(given[0].tab, given[0].order);
  last = last.then(async () => {
    try {
      postMessage({ number, value: await (await engine)[method](...given) });
    } catch ({ message }) {
      postMessage({ number, fault: message });
    }
  });
};
