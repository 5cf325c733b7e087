// The picture: before and after with a wipe between, boxes of faces, a box drawn by hand.

const BOX = "#7db4ff";

export class Stage {
  constructor(view, canvas, onBox) {
    this.view = view;
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.after = document.createElement("canvas");
    this.frame = null;
    this.before = null;
    this.changed = null;
    this.boxes = [];
    this.chosen = 0;
    this.wipe = 0;
    this.drawn = null;
    this.#listen(onBox);
  }

  /** Show a frame: its document and an ImageBitmap of it. */
  show(frame, bitmap) {
    this.before?.close();
    Object.assign(this, { frame, before: bitmap, changed: null, drawn: null });
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

  draw() {
    if (!this.before) return;
    const { context, canvas } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.before, 0, 0);
    const split = Math.round((this.wipe / 100) * canvas.width);
    if (this.changed) this.#drawChanged(split);
    if (this.wipe > 0 && this.wipe < 100) {
      context.fillStyle = "#ffffffb0";
      context.fillRect(split - 1, 0, Math.max(2, canvas.width / 600), canvas.height);
    }
    if (this.view.classList.contains("is-drawing")) this.#drawBoxes();
  }

  #drawChanged(split) {
    const { context, canvas, changed } = this;
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
    context.drawImage(this.after, x, y, width, height);
    context.restore();
  }

  #drawBoxes() {
    const { context } = this;
    context.lineWidth = Math.max(1, this.canvas.width / 500);
    for (const box of this.drawn ? [this.drawn] : []) {
      context.strokeStyle = BOX;
      context.strokeRect(...box.map((value) => value / this.frame.factor));
    }
  }

  /** Frame pixels of a pointer event. */
  #place(event) {
    const rect = this.canvas.getBoundingClientRect();
    const scale = (this.canvas.width / rect.width) * this.frame.factor;
    return [(event.clientX - rect.left) * scale, (event.clientY - rect.top) * scale];
  }

  #listen(onBox) {
    let start = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      if (!this.view.classList.contains("is-drawing")) return;
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
