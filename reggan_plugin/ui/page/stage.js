// The picture: before and after with a wipe between, boxes of faces, a box drawn by hand.

const BOX = "#7db4ff";
const OTHER_BOX = "#ffffff90";
const ARROW = "#ffe14d";

export class Stage {
  constructor(view, canvas, onBox, onFace) {
    this.view = view;
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.after = document.createElement("canvas");
    this.frame = null;
    this.before = null;
    this.changed = null;
    this.kept = new Map();  // changed faces that are not edited now, by number
    this.chosen = 0;
    this.wipe = 0;
    this.drawn = null;
    this.#listen(onBox, onFace);
  }

  /** Show a frame: its document and an ImageBitmap of it. */
  show(frame, bitmap) {
    this.before?.close();
    Object.assign(this, { frame, before: bitmap, changed: null });
    this.canvas.width = bitmap.width;
    this.canvas.height = bitmap.height;
    this.view.classList.remove("is-empty");
    this.draw();
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

  /** Keep the changed face that is shown under a number, or forget the number's. */
  keep(face, isKept) {
    this.kept.delete(face);
    if (!isKept || !this.changed) return;
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: this.after.width, height: this.after.height });
    canvas.getContext("2d").drawImage(this.after, 0, 0);
    this.kept.set(face, { canvas, changed: { ...this.changed, arrows: [] } });
  }

  draw() {
    if (!this.before) return;
    const { context, canvas } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.before, 0, 0);
    const split = Math.round((this.wipe / 100) * canvas.width);
    for (const { canvas: own, changed } of this.kept.values()) this.#drawChanged(split, own, changed);
    if (this.changed) this.#drawChanged(split, this.after, this.changed);
    if (this.wipe > 0 && this.wipe < 100) {
      context.fillStyle = "#ffffffb0";
      context.fillRect(split - 1, 0, Math.max(2, canvas.width / 600), canvas.height);
    }
    this.#drawBoxes();
  }

  #drawArrows(scale) {
    const { context, changed } = this;
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
  }

  #drawChanged(split, after, changed) {
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
    context.drawImage(after, x, y, width, height);
    if (changed === this.changed) this.#drawArrows(scale);
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
    let start = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      if (!this.view.classList.contains("is-drawing")) {
        const face = this.#faceAt(this.#place(event));
        if (face >= 0 && face !== this.chosen) onFace(face);
        return;
      }
      start = this.#place(event);
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!start) return;
      const [x, y] = this.#place(event);
      const side = Math.max(Math.abs(x - start[0]), Math.abs(y - start[1]));
      this.drawn = [Math.min(x, start[0]), Math.min(y, start[1]), side, side];
      this.draw();
    });
    this.canvas.addEventListener("pointerup", () => {
      if (start && this.drawn && this.drawn[2] > 8) onBox(this.drawn.map(Math.round));
      start = null;
    });
  }
}
