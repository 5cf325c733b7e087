// A button for each expression with a picture of this face; those in sight are made first.

import { post } from "./server.js";

export class Gallery {
  constructor(parent, expressions, onChoose) {
    this.parent = parent;
    this.buttons = new Map();
    this.waiting = new Set();
    this.run = 0;
    this.isPaused = () => false;
    const inSight = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) target.dataset.seen = isIntersecting;
    }, { root: parent });
    let group = "";
    for (const one of expressions) {
      if (one.group !== group) this.#addTitle((group = one.group));
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.append(document.createElement("i"), one.name);
      button.addEventListener("click", (event) => onChoose(one.name, event));
      inSight.observe(button);
      parent.append(button);
      this.buttons.set(one.name, button);
    }
  }

  #addTitle(text) {
    const title = document.createElement("h3");
    title.textContent = text;
    this.parent.append(title);
  }

  has(name) {
    return this.buttons.has(name);
  }

  mark(names) {
    for (const [name, button] of this.buttons) {
      button.setAttribute("aria-pressed", String(names.includes(name)));
    }
  }

  /** Make all pictures anew, for another face; `ask` makes the body of a request. */
  async make(ask, onDone) {
    const run = ++this.run;
    this.waiting = new Set(this.buttons.keys());
    while (this.waiting.size && run === this.run) {
      if (this.isPaused()) {
        await new Promise((resume) => setTimeout(resume, 60));
        continue;
      }
      const name = this.#next();
      this.waiting.delete(name);
      const response = await post("thumbnail", ask(name));
      const picture = await response.blob();
      if (run === this.run) this.#show(this.buttons.get(name), picture, name);
    }
    if (run === this.run) onDone();
  }

  stop() {
    this.run += 1;
  }

  #next() {
    const names = [...this.waiting];
    return names.find((name) => this.buttons.get(name).dataset.seen === "true") ?? names[0];
  }

  #show(button, picture, name) {
    const old = button.firstChild;
    if (old.src) URL.revokeObjectURL(old.src);
    const image = new Image();
    image.alt = "";
    image.src = URL.createObjectURL(picture);
    image.title = name;
    old.replaceWith(image);
  }
}
