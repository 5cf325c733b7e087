// Sliders of weights, by name. A slider at 0 asks for nothing.

export class Sliders {
  /** `onInput` is told of each move, `onEnd` when one has ended. */
  constructor(onInput, onEnd = () => {}) {
    Object.assign(this, { onInput, onEnd });
    this.dials = new Map();
  }

  /** Add a slider to an element. */
  add(parent, name, label, { least = 0, most = 1, value = 0 } = {}) {
    const row = document.createElement("div");
    const id = `dial-${name.replaceAll(" ", "-")}`;
    row.className = "dial";
    const caption = Object.assign(document.createElement("label"), { htmlFor: id });
    caption.textContent = label;
    const input = Object.assign(document.createElement("input"), {
      id, type: "range", min: least, max: most, step: 0.01, value,
    });
    const output = document.createElement("output");
    output.htmlFor = id;
    row.append(caption, input, output);
    parent.append(row);
    this.dials.set(name, { row, input, output });
    input.addEventListener("input", (event) => {
      this.#say(name);
      this.onInput(name, event.timeStamp);
    });
    input.addEventListener("change", () => this.onEnd());
    this.#say(name);
  }

  has(name) {
    return this.dials.has(name);
  }

  get(name) {
    return Number(this.dials.get(name)?.input.value ?? 0);
  }

  set(name, value) {
    const dial = this.dials.get(name);
    if (!dial) return;
    dial.input.value = value;
    this.#say(name);
  }

  remove(name) {
    this.dials.get(name)?.row.remove();
    this.dials.delete(name);
  }

  names() {
    return [...this.dials.keys()];
  }

  #say(name) {
    const { input, output } = this.dials.get(name);
    output.value = `${Math.round(input.value * 100)} %`;
  }
}

const SIDES = ["Left", "Right"];

export function mirrored(name) {
  const [from, to] = name.endsWith("Left") ? SIDES : [...SIDES].reverse();
  return name.endsWith(from) ? name.slice(0, -from.length) + to : null;
}

/** Sliders of face shapes in groups, left and right linked or not. */
export class ShapeSliders extends Sliders {
  constructor(parent, groups, onChange, onEnd) {
    super((name, time) => {
      const twin = mirrored(name);
      if (twin && this.link.checked) this.set(twin, this.get(name));
      onChange(time);
    }, onEnd);
    this.link = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
    if (!groups.length) return;
    const linked = document.createElement("label");
    linked.append(this.link, "Left and right together");
    parent.append(linked);
    for (const { group, names } of groups) this.#addGroup(parent, group, names);
  }

  #addGroup(parent, group, names) {
    const box = document.createElement("details");
    box.open = true;
    const title = document.createElement("summary");
    title.textContent = group;
    box.append(title);
    for (const name of names) this.add(box, name, name, { most: 1 });
    parent.append(box);
  }

  reset() {
    for (const name of this.names()) this.set(name, 0);
  }

  weights() {
    const all = this.names().map((name) => [name, this.get(name)]);
    return Object.fromEntries(all.filter(([, weight]) => weight));
  }
}
