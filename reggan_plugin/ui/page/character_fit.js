// How takes and the camera are fitted to the face on the page: sliders of gains and offsets, kept for
// a character.

import { download, Latest, made, post } from "./server.js";
import { Sliders } from "./sliders.js";

export class Fit {
  /** `changed` shows the take anew, `ended` tells that a move has ended, `say` tells the user. */
  constructor(element, attempt, { characters, table, words, shapes }, { changed, ended, say }) {
    Object.assign(this, { element, characters, changed, ended, rows: new Map(), latest: new Latest() });
    this.dials = new Sliders(() => attempt(() => this.#send(true)), () => attempt(() => this.#send(false)));
    this.dials.add(element("character-asymmetry"), "asymmetry", "Asymmetry", { value: 1 });
    for (const [label, names] of [["Parts", words], ["Shapes", shapes]]) {
      const group = Object.assign(document.createElement("optgroup"), { label });
      group.append(...names.map((name) => new Option(name, name)));
      element("character-add").append(group);
    }
    this.#list();
    const on = (id, kind, work) => element(id).addEventListener(kind, (event) => attempt(() => work(event)));
    on("character-add", "change", ({ target }) => {
      if (target.value) this.#add(target.value);
      target.value = "";
      return this.#send(false);
    });
    on("characters", "change", ({ target }) => {
      element("character-name").value = target.value;
      return this.set(this.characters[target.value] ?? {});
    });
    on("learn-character", "click", async () => {
      this.show((await (await post("character/learn", {})).json()).table);
      return this.#send(false);
    });
    on("reset-character", "click", () => this.set({}));
    on("save-character", "click", async () => {
      const name = element("character-name").value.trim();
      if (!name) return element("character-name").focus();
      const { path, characters: all } = await (await post("character/save", { name })).json();
      this.characters = all;
      this.#list(name);
      return say(`Saved [character.${name}] in ${path}.`);
    });
    on("save-fitted", "click", async () => say(`Saved ${download(await made("take/fitted", {}))}.`));
    this.show(table);
  }

  /** What the sliders say, as a table [character.NAME] of the settings. */
  table() {
    const lines = [...this.rows.keys()].map((word) => {
      const [gain, offset] = ["gain", "offset"].map((part) => this.dials.get(`${word} ${part}`));
      return [word, offset ? { gain, offset } : { gain }];
    });
    const asymmetry = this.dials.get("asymmetry");
    return Object.fromEntries([...lines, ...(asymmetry < 1 ? [["asymmetry", asymmetry]] : [])]);
  }

  /** Let the sliders show a table, without telling the program. */
  show({ asymmetry = 1, ...words }) {
    for (const word of [...this.rows.keys()]) this.#remove(word);
    this.dials.set("asymmetry", asymmetry);
    for (const [word, value] of Object.entries(words)) this.#add(word, typeof value === "number" ? { gain: value } : value);
  }

  /** Let the sliders show a table, and the stage what follows of it. */
  set(table) {
    this.show(table);
    return this.#send(false);
  }

  #list(chosen = "") {
    const names = Object.keys(this.characters);
    this.element("characters").replaceChildren(new Option("new", ""), ...names.map((name) => new Option(name, name)));
    this.element("characters").value = chosen;
  }

  #add(word, { gain = 1, offset = 0 } = {}) {
    if (this.rows.has(word)) return;
    const row = Object.assign(document.createElement("div"), { className: "fitted", role: "group", ariaLabel: word });
    this.element("character-rows").append(row);
    this.rows.set(word, row);
    this.dials.add(row, `${word} gain`, word, { most: Math.max(2, gain), value: gain });
    this.dials.add(row, `${word} offset`, "and add", { least: Math.min(-0.5, offset), most: Math.max(0.5, offset), value: offset });
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "✕" });
    button.setAttribute("aria-label", `Remove ${word}`);
    button.addEventListener("click", () => {
      this.#remove(word);
      this.#send(false);
    });
    row.append(button);
  }

  #remove(word) {
    this.rows.get(word).remove();
    this.rows.delete(word);
    for (const part of ["gain", "offset"]) this.dials.remove(`${word} ${part}`);
  }

  /** Tell the program, and show the take anew; of moves that wait only the last is told. */
  #send(isMoving) {
    const move = (this.move = Symbol("move"));
    return this.latest.run(async () => {
      await post("character", { table: this.table() });
      await this.changed();
      if (!isMoving && move === this.move) this.ended();
    });
  }
}
