// The picture: before and after with a wipe between, boxes of faces, a box drawn by hand.

const BOX = "#7db4ff";
const OTHER_BOX = "#ffffff90";
const ARROW = "#ffe14d";
const HANDLE_PX = 14; // on the screen, to both sides of the line between before and after
const MOST_ZOOM = 16, WHEEL = 0.0015;

export class Stage {
  /** `onBox` is given a drawn box, `onFace` a face that is clicked; `onWipe` the place of the
   * handle in percent; `onZoom` screen pixels to a pixel of the picture, or null where it fits. */
  constructor(view, canvas, handle, { onBox, onFace, onWipe, onZoom }) {
    this.view = view;
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.after = document.createElement("canvas");
    this.frame = null;
    this.before = null;
    this.changed = null;
    this.chosen = 0;
    this.wipe = 0;
    this.drawn = null;
    this.zoom = null;
    this.others = new Map();  // pictures of faces that are not chosen, by their number
    Object.assign(this, { handle, onWipe, onZoom });
    new ResizeObserver(() => this.#placeHandle()).observe(view);
    this.#listen(onBox, onFace);
    this.#zoomByWheel();
  }

  /** Show a frame: its document and an ImageBitmap of it. */
  show(frame, bitmap) {
    this.before?.close();
    Object.assign(this, { frame, before: bitmap, changed: null });
    this.canvas.width = bitmap.width;
    this.canvas.height = bitmap.height;
    this.view.classList.remove("is-empty");
    this.zoomTo(this.zoom);
    this.draw();
  }

  /** Show at a scale, or null to fit it; the place (x, y) of the window stays where it is. */
  zoomTo(zoom, place = null) {
    const { canvas, view } = this;
    const before = canvas.getBoundingClientRect();
    this.zoom = zoom;
    view.classList.toggle("is-fit", zoom === null);
    canvas.style.width = zoom === null ? "" : `${canvas.width * zoom}px`;
    if (zoom !== null && place) {
      const after = canvas.getBoundingClientRect();
      const part = place.map((v, i) => (v - [before.left, before.top][i]) / [before.width, before.height][i]);
      view.scrollBy(after.left + part[0] * after.width - place[0], after.top + part[1] * after.height - place[1]);
    }
    this.onZoom(zoom);
    this.draw(); // the handle keeps its size
  }

  #zoomByWheel() {
    this.view.addEventListener("wheel", (event) => {
      if (!this.before) return;
      event.preventDefault();
      const now = this.#screenScale();
      const fits = Math.min(this.view.clientWidth / this.canvas.width, this.view.clientHeight / this.canvas.height, 1);
      const wanted = Math.min(MOST_ZOOM, now * Math.exp(-event.deltaY * WHEEL));
      this.zoomTo(wanted <= fits ? null : wanted, [event.clientX, event.clientY]);
    }, { passive: false });
  }

  /** Pixels of the screen to a pixel of the picture. */
  #screenScale() {
    return this.canvas.getBoundingClientRect().width / this.canvas.width || 1;
  }

  /** Lay a changed face over the frame, or none. */
  lay(changed) {
    this.changed = changed;
    if (changed) {
      this.after.width = changed.width;
      this.after.height = changed.height;
      this.after.getContext("2d").putImageData(changed.image, 0, 0);
      changed.image = null;
    }
    this.draw();
  }

  /** Show a small picture of the whole frame in place of all else; null ends that. */
  play(bitmap) {
    this.played = bitmap;
    this.draw();
  }

  /** Keep the picture of a face while another one is chosen. */
  putAside(face) {
    if (!this.changed) return void this.others.delete(face);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [this.after.width, this.after.height];
    canvas.getContext("2d").drawImage(this.after, 0, 0);
    this.others.set(face, { ...this.changed, canvas });
  }

  /** Keep the changed face that is shown under a number, or forget the number's. */
  keep(face, isKept) {
    if (isKept) this.putAside(face);
    else this.others.delete(face);
  }

  layOther(face, changed) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [changed.width, changed.height];
    canvas.getContext("2d").putImageData(changed.image, 0, 0);
    this.others.set(face, { ...changed, canvas });
  }

  draw() {
    if (!this.before) return;
    const { context, canvas } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.played) {
      this.#placeHandle();
      return context.drawImage(this.played, 0, 0, canvas.width, canvas.height);
    }
    context.drawImage(this.before, 0, 0);
    const split = Math.round((this.wipe / 100) * canvas.width);
    for (const one of this.others.values()) this.#drawChanged(one, one.canvas, split);
    if (this.changed) {
      this.#drawChanged(this.changed, this.after, split);
      this.#drawArrows(split);
    }
    this.#drawBoxes();
    this.#placeHandle();
  }

  /** Put the line between before and after, and its round handle, where they belong. */
  #placeHandle() {
    const { view, canvas, handle } = this;
    handle.hidden = !this.before || !(this.changed || this.others.size) || this.played;
    if (handle.hidden) return;
    const [own, around] = [canvas.getBoundingClientRect(), view.getBoundingClientRect()];
    handle.style.left = `${own.left - around.left + view.scrollLeft + (own.width * this.wipe) / 100}px`;
    handle.style.top = `${own.top - around.top + view.scrollTop}px`;
    handle.style.height = `${own.height}px`;
  }

  /** Whether a pointer is on the handle or its line. */
  #isOnHandle(event) {
    if (!this.changed && !this.others.size) return false;
    const rect = this.canvas.getBoundingClientRect();
    const across = Math.abs(event.clientX - rect.left - (rect.width * this.wipe) / 100);
    const down = Math.abs(event.clientY - rect.top - rect.height / 2);
    const isLine = this.wipe > 0 && this.wipe < 100 && across < 6;
    return isLine || (across < HANDLE_PX && down < HANDLE_PX);
  }

  #wipeAt(event) {
    const rect = this.canvas.getBoundingClientRect();
    this.wipe = Math.round(Math.min(100, Math.max(0, (100 * (event.clientX - rect.left)) / rect.width)));
    this.onWipe(this.wipe);
    this.draw();
  }

  #drawArrows(split) {
    const { context, changed, canvas } = this;
    const scale = 1 / this.frame.factor;
    context.save();
    context.beginPath();
    context.rect(split, 0, canvas.width - split, canvas.height);
    context.clip();
    context.strokeStyle = context.fillStyle = ARROW;
    context.lineWidth = Math.max(1, this.canvas.width / 900);
    for (const arrow of changed.arrows) {
      const [x0, y0, x1, y1] = arrow.map((v, i) => (i % 2 ? changed.y : changed.x) * scale
        + v * changed.factor * scale);
      context.beginPath();
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
      context.stroke();
      context.fillRect(x1 - 1.5, y1 - 1.5, 3, 3);
    }
    context.restore();
  }

  #drawChanged(changed, picture, split) {
    const { context, canvas } = this;
    const scale = 1 / this.frame.factor;
    const [x, y] = [changed.x * scale, changed.y * scale];
    const width = changed.width * changed.factor * scale;
    const height = changed.height * changed.factor * scale;
    context.save();
    context.beginPath();
    context.rect(split, 0, canvas.width - split, canvas.height);
    context.clip();
    context.imageSmoothingEnabled = changed.factor * scale !== 1;
    context.clearRect(x, y, width, height);
    context.drawImage(picture, x, y, width, height);
    context.restore();
  }

  /** Boxes of faces, where there are several or one is being drawn. */
  #drawBoxes() {
    const { context } = this;
    const isDrawing = this.view.classList.contains("is-drawing");
    const boxes = this.frame.faces.length > 1 || isDrawing ? this.frame.faces.map(({ box }) => box) : [];
    context.lineWidth = Math.max(1, this.canvas.width / 500);
    for (const [index, box] of boxes.entries()) this.#drawBox(box, index === this.chosen);
    if (this.drawn) this.#drawBox(this.drawn, true);
  }

  #drawBox(box, isChosen) {
    this.context.strokeStyle = isChosen ? BOX : OTHER_BOX;
    this.context.strokeRect(...box.map((value) => value / this.frame.factor));
  }

  /** Bring the chosen face, or else the middle, to the middle of the view; for 100 %. */
  scrollToFace() {
    const box = this.drawn ?? this.frame?.faces[this.chosen]?.box;
    const scale = 1 / (this.frame?.factor ?? 1);
    const [x, y] = box
      ? [(box[0] + box[2] / 2) * scale, (box[1] + box[3] / 2) * scale]
      : [this.canvas.width / 2, this.canvas.height / 2];
    this.view.scrollTo(x - this.view.clientWidth / 2, y - this.view.clientHeight / 2);
  }

  /** The index of the face at a place, or -1. */
  #faceAt([px, py]) {
    const holds = ([x, y, width, height]) => px >= x && py >= y && px < x + width && py < y + height;
    return this.frame.faces.findIndex(({ box }) => holds(box));
  }

  /** Frame pixels of a pointer event. */
  #place(event) {
    const rect = this.canvas.getBoundingClientRect();
    const scale = (this.canvas.width / rect.width) * this.frame.factor;
    return [(event.clientX - rect.left) * scale, (event.clientY - rect.top) * scale];
  }

  #listen(onBox, onFace) {
    const { canvas, view } = this;
    let start = null, held = null, from = null;
    const isDrawing = () => view.classList.contains("is-drawing");
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.before) return;
      canvas.setPointerCapture(event.pointerId);
      from = [event.clientX, event.clientY];
      if (isDrawing()) start = this.#place(event);
      else held = this.#isOnHandle(event) ? "handle" : "picture";
      if (held === "handle") this.#wipeAt(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      canvas.style.cursor = isDrawing() ? "" : held === "handle" || this.#isOnHandle(event) ? "ew-resize" : held ? "grabbing" : "";
      if (held === "handle") this.#wipeAt(event);
      if (held === "picture") view.scrollBy(-event.movementX, -event.movementY);
      if (!start) return;
      const [x, y] = this.#place(event);
      const side = Math.max(Math.abs(x - start[0]), Math.abs(y - start[1]));
      this.drawn = [Math.min(x, start[0]), Math.min(y, start[1]), side, side];
      this.draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (start && this.drawn && this.drawn[2] > 8) onBox(this.drawn.map(Math.round));
      const isClick = from && Math.hypot(event.clientX - from[0], event.clientY - from[1]) < 4;
      if (held === "picture" && isClick) {
        const face = this.#faceAt(this.#place(event));
        if (face >= 0 && face !== this.chosen) onFace(face);
      }
      start = held = from = null;
      canvas.style.cursor = "";
    });
  }
}
