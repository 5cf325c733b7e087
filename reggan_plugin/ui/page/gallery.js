// A button for each expression with a picture of this face; those nearest to the eye are made first.

import { engine } from "./choose_engine.js";

const AT_ONCE = 3;  // the program works on two at once; the third is there when one is done
const TOGETHER_MS = 250;  // a repaint takes from the program, where there is no graphics card

export class Gallery {
  /** `scroller` is what the buttons scroll in; `onChoose` is given a name and the click. */
  constructor(parent, scroller, expressions, onChoose) {
    Object.assign(this, { parent, scroller });
    this.buttons = new Map();
    this.waiting = new Set();
    this.run = 0;
    this.isPaused = () => false;
    let group = "";
    for (const one of expressions) {
      if (one.group !== group) this.#addTitle((group = one.group));
      const button = document.createElement("button");
      button.type = "button";
      button.disabled = true;
      button.setAttribute("aria-pressed", "false");
      button.append(document.createElement("i"), one.name);
      button.addEventListener("click", (event) => onChoose(one.name, event));
      button.tabIndex = this.buttons.size ? -1 : 0;
      parent.append(button);
      this.buttons.set(one.name, button);
    }
    parent.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** One stop for Tab; arrow keys go from button to button. */
  #walk(event) {
    const all = [...this.buttons.values()].filter((one) => !one.hidden);
    const at = all.indexOf(document.activeElement);
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -at, End: -1 - at };
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    all[at].tabIndex = -1;
    const next = all.at((at + steps[event.key]) % all.length);
    next.tabIndex = 0;
    next.focus();
  }

  #addTitle(text) {
    const title = document.createElement("h3");
    title.textContent = text;
    this.parent.append(title);
  }

  /** Show those whose name holds a text, and the titles of groups where there is none. */
  search(text) {
    const wanted = text.trim().toLowerCase();
    for (const one of this.parent.children) {
      one.hidden = one.tagName === "BUTTON" ? !one.textContent.includes(wanted) : wanted !== "";
    }
    const shown = [...this.buttons.values()].filter((one) => !one.hidden);
    for (const [index, one] of shown.entries()) one.tabIndex = index ? -1 : 0;
    return shown.length;
  }

  has(name) {
    return this.buttons.has(name);
  }

  mark(names) {
    for (const [name, button] of this.buttons) {
      button.setAttribute("aria-pressed", String(names.includes(name)));
    }
  }

  /** Forget the face before: no pictures, and nothing to click while there is no face. */
  clear(isFace) {
    this.run += 1;
    for (const button of this.buttons.values()) {
      button.disabled = !isFace;
      const old = button.firstChild;
      if (old.src) URL.revokeObjectURL(old.src);
      old.replaceWith(document.createElement("i"));
    }
  }

  /** Make all pictures anew; `ask` makes the body of a request, `onStep` is told how many are
   * there. */
  async make(ask, onStep) {
    this.clear(true);
    const { run } = this;
    const all = this.buttons.size;
    this.waiting = new Set(this.buttons.keys());
    let [done, made, since] = [0, [], performance.now()];
    const show = () => {
      for (const [name, picture] of made) this.#show(this.buttons.get(name), picture);
      onStep((done += made.length), all);
      [made, since] = [[], performance.now()];
    };
    onStep(done, all);
    const work = async () => {
      while (this.waiting.size && run === this.run) {
        if (this.isPaused()) {
          await new Promise((resume) => setTimeout(resume, 60));
          continue;
        }
        const name = this.#next();
        this.waiting.delete(name);
        const picture = await engine.thumbnail(ask(name));
        if (run !== this.run) return;
        made.push([name, picture]);
        if (!this.waiting.size || performance.now() - since > TOGETHER_MS) show();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** The waiting button that is nearest to what is in sight, in order. */
  #next() {
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const away = (name) => {
      const own = this.buttons.get(name).getBoundingClientRect();
      return Math.max(0, top - own.bottom, own.top - bottom);
    };
    let [best, least] = ["", Infinity];
    for (const name of this.waiting) {
      const distance = away(name);
      if (distance < least) [best, least] = [name, distance];
      if (!least) break;
    }
    return best;
  }

  #show(button, picture) {
    const old = button.firstChild;
    if (old.src) URL.revokeObjectURL(old.src);
    const image = new Image();
    image.alt = "";
    image.src = URL.createObjectURL(picture);
    old.replaceWith(image);
  }
}
