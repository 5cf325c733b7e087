// A recorded performance: open it, scrub through its rows.

import { Latest, post, put } from "./server.js";

const SUFFIXES = [".csv", ".txt", ".json", ".gltf", ".glb", ".vrm", ".vrma", ".usd", ".usda", ".usdc", ".usdz"];

export class Take {
  /** `element` finds an element by its id, `onRow` shows the weights of a row, `onOpen` the take's
   * own panel. */
  constructor(element, attempt, onRow, onOpen) {
    Object.assign(this, { element, onRow, onOpen, latest: new Latest(), fps: 0 });
    element("take-picker").accept = SUFFIXES.join();
    element("open-take").addEventListener("click", () => element("take-picker").click());
    element("take-picker").addEventListener("change", ({ target }) => {
      const [file] = target.files;
      target.value = "";
      if (file) attempt(() => this.open(file));
    });
    element("take-row").addEventListener("input", ({ timeStamp }) => attempt(() => this.seek(timeStamp)));
  }

  static is(file) {
    return SUFFIXES.some((suffix) => file.name.toLowerCase().endsWith(suffix));
  }

  async open(file) {
    const query = new URLSearchParams({ name: file.name });
    const answer = await put(`take?${query}`, file);
    this.show(await answer.json());
    this.onOpen();
    await this.seek(performance.now());
  }

  show({ name, kind, rows, fps, notes }) {
    this.fps = fps;
    this.element("take-row").max = rows - 1;
    this.element("take-row").value = 0;
    this.element("take-name").textContent =
      `${name}: ${kind}, ${rows} rows, ${fps} a second. ${notes.join(" ")}`;
    this.element("take-rows").hidden = false;
    this.element("copy-take").disabled = false;
  }

  /** Show the row of the slider; of rows that wait only the last is asked for. */
  seek(time) {
    return this.latest.run(async () => {
      const row = Number(this.element("take-row").value);
      const { weights } = await (await post("take/row", { row })).json();
      this.element("take-said").value = `${row}, ${(row / this.fps).toFixed(2)} s`;
      this.onRow(weights, time);
    });
  }
}
