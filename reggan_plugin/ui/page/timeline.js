// Keys of a shot under the picture: film strip, play, and a take that `render --curves` reads.

import { engine, state } from "./choose_engine.js";
import { download, put } from "./server.js";

const STRIP_PX = 96, PLAY_PX = 640, FPS = 24, MOST_IN_STRIP = 24;
const SHAPE = /^(brow|cheek|eye|jaw|mouth|nose)[A-Z]/;

/** A take shuts an open mouth by itself, and reads no face: a curve called neutral means nothing in one. */
const NOT_IN_TAKES = ["shutMouth", "neutral"];

const smooth = (part) => part * part * (3 - 2 * part);

export class Timeline {
  /**
   * `element` finds an element by its id; `attempt` runs what may fail; `page` says
   * `now()` (the change that the sliders show), `show(change)`, `go(place)`, `play(bitmap | null)`,
   * `ask()` (face of a request), `changed()`, `opened(take)` and `say(text)`.
   */
  constructor(element, attempt, page) {
    Object.assign(this, { element, attempt, page, shot: null, keys: new Map(), at: 0, cache: new Map() });
    const on = (id, work) => element(id).addEventListener("click", () => attempt(work));
    on("set-key", () => this.setKey());
    on("remove-key", () => this.removeKey(this.at));
    on("play", () => (this.isPlaying ? this.stop() : this.play()));
    on("save-take", () => this.save());
    element("ease").addEventListener("change", ({ target }) => {
      const key = this.keys.get(this.at);
      if (key) key.ease = target.value;
      this.changed();
    });
    this.strip = element("strip");
    this.strip.addEventListener("pointerdown", (event) => this.#scrub(event));
    this.strip.addEventListener("keydown", (event) => this.#byKey(event));
  }

  /** Show the timeline of a shot, or none; keys of another shot are forgotten. */
  open(shot) {
    this.stop();
    const isShot = shot !== null && shot.files.length > 1;
    this.element("timeline").hidden = !isShot;
    if (!isShot || shot === this.shot) return void (isShot || (this.shot = null));
    this.shot = shot;
    this.keys = new Map();
    this.forget();
    this.#fillStrip();
    this.draw();
  }

  /** Another frame is shown; sliders follow the keys. */
  seen(place) {
    this.at = place;
    if (this.keys.size) this.page.show(this.changeAt(place));
    this.draw();
  }

  /** The sliders were moved: at a key, or wherever there are keys, that is the key here. */
  moved() {
    if (this.keys.size && this.shot) this.setKey();
  }

  setKey() {
    const ease = this.keys.get(this.at)?.ease ?? this.element("ease").value;
    this.keys.set(this.at, { ...structuredClone(this.page.now()), ease });
    this.changed();
  }

  /** Keys as undo, redo and a reload have them: [place, key] each. */
  setKeys(keys) {
    this.keys = new Map(keys);
    this.draw();
  }

  removeKey(place) {
    this.keys.delete(place);
    this.changed();
  }

  moveKey(from, to, isCopy) {
    if (from === to || !this.keys.has(from)) return;
    this.keys.set(to, structuredClone(this.keys.get(from)));
    if (!isCopy) this.keys.delete(from);
    this.changed();
  }

  changed() {
    this.draw();
    this.page.changed();
  }

  /** What is asked for at a frame: products of weight and intensity, between the keys beside it. */
  changeAt(place) {
    const places = [...this.keys.keys()].sort((a, b) => a - b);
    const products = (key) => Object.fromEntries(Object.entries(key.weights).map(([n, w]) => [n, w * key.intensity]));
    const after = places.find((one) => one >= place) ?? places.at(-1);
    const before = places.findLast((one) => one <= place) ?? places[0];
    const [start, end] = [products(this.keys.get(before)), products(this.keys.get(after))];
    const part = before === after ? 0 : (place - before) / (after - before);
    const share = this.keys.get(before).ease === "smooth" ? smooth(part) : part;
    const weights = {};
    for (const name of new Set([...Object.keys(start), ...Object.keys(end)])) {
      weights[name] = Math.round(1e4 * ((start[name] ?? 0) * (1 - share) + (end[name] ?? 0) * share)) / 1e4;
    }
    if (this.#drivesShapes()) weights.shutMouth = 1;  // as a take with shapes does
    return { weights, intensity: 1 };
  }

  #drivesShapes() {
    return [...this.keys.values()].some(({ weights }) => Object.keys(weights).some((name) => SHAPE.test(name)));
  }

  // The strip

  get #count() {
    return this.shot.files.length;
  }

  #placeOf(event) {
    const { left, width } = this.strip.getBoundingClientRect();
    return Math.min(this.#count - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * this.#count)));
  }

  #scrub(event) {
    if (!this.shot || event.button !== 0) return;
    const key = event.target.closest(".key");
    const from = key ? Number(key.dataset.place) : null;
    this.strip.setPointerCapture(event.pointerId);
    let to = from ?? this.#placeOf(event);
    if (from === null) this.attempt(() => this.page.go(to));
    const move = (next) => {
      const place = this.#placeOf(next);
      if (place === to) return;
      to = place;
      if (from === null) this.attempt(() => this.page.go(to));
      else this.draw(from, to);
    };
    const end = (next) => {
      this.strip.removeEventListener("pointermove", move);
      if (from === null) return;
      if (from === to) this.attempt(() => this.page.go(from));
      else this.moveKey(from, to, next.altKey);
    };
    this.strip.addEventListener("pointermove", move);
    this.strip.addEventListener("pointerup", end, { once: true });
  }

  /** On a key: arrows move it, with Alt they copy, Delete removes it. On the strip: frame by frame. */
  #byKey(event) {
    if (!this.shot) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const key = event.target.closest(".key");
    if (!step && event.key !== "Delete") return;
    event.preventDefault();
    if (!key) {
      if (step) this.attempt(() => this.page.go(Math.min(this.#count - 1, Math.max(0, this.at + step))));
      return;
    }
    const from = Number(key.dataset.place);
    if (!step) return this.removeKey(from);
    const to = Math.min(this.#count - 1, Math.max(0, from + step));
    this.moveKey(from, to, event.altKey);
    this.strip.querySelector(`.key[data-place="${to}"]`)?.focus();
  }

  async #fillStrip() {
    const { shot } = this;
    const film = this.element("film");
    film.replaceChildren();
    const step = Math.max(1, Math.ceil(this.#count / MOST_IN_STRIP));
    for (let place = 0; place < this.#count; place += step) {
      const image = new Image();
      image.alt = "";
      image.draggable = false;
      film.append(image);
      const small = await engine.small(shot.first + place, STRIP_PX).catch(() => null);
      if (small) image.src = URL.createObjectURL(small);
      await image.decode().catch(() => {});
      URL.revokeObjectURL(image.src);
      if (shot !== this.shot) return;
    }
  }

  draw(dragged = null, to = null) {
    if (!this.shot) return;
    for (const old of this.strip.querySelectorAll(".key")) old.remove();
    const left = (place) => `${(100 * (place + 0.5)) / this.#count}%`;
    for (const place of [...this.keys.keys()].sort((a, b) => a - b)) {
      const key = Object.assign(document.createElement("button"), { type: "button", className: "key" });
      key.dataset.place = place;
      key.style.left = left(place === dragged ? to : place);
      key.setAttribute("aria-label", `Key at frame ${place + 1}`);
      key.title = "Drag to move, Alt-drag to copy, Delete to remove";
      this.strip.append(key);
    }
    this.element("playhead").style.left = left(this.at);
    this.element("remove-key").disabled = !this.keys.has(this.at);
    this.element("save-take").disabled = this.element("play").disabled = !this.keys.size;
    this.element("ease").value = this.keys.get(this.at)?.ease ?? this.element("ease").value;
    this.element("timeline-said").textContent = `Frame ${this.at + 1} of ${this.#count}, ${this.keys.size} keys`;
  }

  // Playing: each frame is made once, then shown at its time

  get isPlaying() {
    return this.playing !== undefined;
  }

  forget() {
    for (const bitmap of this.cache.values()) bitmap.close();
    this.cache = new Map();
  }

  async play() {
    const run = (this.playing = Symbol("run"));
    this.element("play").textContent = "Stop";
    const frames = [];
    for (let place = 0; place < this.#count; place += 1) {
      this.page.say(`Preparing frame ${place + 1} of ${this.#count}…`);
      frames.push(await this.#made(place));
      if (this.playing !== run) return;
    }
    const begin = performance.now();
    const show = () => {
      if (this.playing !== run) return;
      const place = Math.floor(((performance.now() - begin) / 1000) * FPS) % frames.length;
      this.page.play(frames[place]);
      this.element("playhead").style.left = `${(100 * (place + 0.5)) / this.#count}%`;
      requestAnimationFrame(show);
    };
    this.page.say(`Plays at ${FPS} frames a second.`);
    show();
  }

  stop() {
    if (!this.isPlaying) return;
    this.playing = undefined;
    this.element("play").textContent = "Play";
    this.page.play(null);
    this.draw();
  }

  /** A small picture of a frame with its change. */
  async #made(place) {
    const change = this.changeAt(place);
    const file = this.shot.first + place;
    const key = JSON.stringify([file, this.page.ask(), change]);
    const known = this.cache.get(key);
    if (known) return known;
    const small = await createImageBitmap(await engine.small(file, PLAY_PX));
    const canvas = new OffscreenCanvas(small.width, small.height);
    const context = canvas.getContext("2d");
    context.drawImage(small, 0, 0);
    const { width } = await engine.frame(file);
    const isAsked = Object.entries(change.weights).some(([name, weight]) => weight && name !== "shutMouth");
    const face = isAsked && (await engine.change({ file, face: this.page.ask(), change, longest: 512, tab: `${file} plays`, order: 1 + this.cache.size }));
    if (face) {
      const part = new OffscreenCanvas(face.width, face.height);
      part.getContext("2d").putImageData(face.image, 0, 0);
      const scale = small.width / width;
      const box = [face.x * scale, face.y * scale, face.width * face.factor * scale, face.height * face.factor * scale];
      context.clearRect(...box);
      context.drawImage(part, ...box);
    }
    const bitmap = canvas.transferToImageBitmap();
    this.cache.set(key, bitmap);
    return bitmap;
  }

  // The take

  /** Rows of a CSV by frame number, as `--curves` reads them. */
  text() {
    const numbers = this.shot.files.map((name, place) => Number(/(\d+)(\.[^.]+)?$/.exec(name)?.[1] ?? place + 1));
    const rows = numbers.map((_, place) => this.changeAt(place).weights);
    const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !NOT_IN_TAKES.includes(name));
    const lines = rows.map((row, place) => [numbers[place], ...names.map((name) => row[name] ?? 0)].join());
    return `${[["frame", ...names].join(), ...lines].join("\n")}\n`;
  }

  /** Save it, and open it as the page's take, whose command can be copied. */
  async save() {
    const file = new File([this.text()], `${this.shot.name.replace(/\.[^.]+$/, "") || "shot"}_take.csv`, { type: "text/csv" });
    download({ name: file.name, content: file });
    if (state.alone) return this.page.say(`Saved ${file.name}. The program renders the shot by it: --curves.`);
    const query = new URLSearchParams({ name: file.name });
    this.page.opened(await (await put(`take?${query}`, file)).json());
    const lacks = [...this.keys.values()].some(({ weights }) => weights.neutral) ? " Weaken its own is not in it: no take holds that." : "";
    return this.page.say(`Saved ${file.name}. Performance has its command.${lacks}`);
  }
}
