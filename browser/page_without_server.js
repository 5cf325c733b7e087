// The page in the browser alone: what changes faces runs in a worker, so that the page answers
// meanwhile. Its methods are those of Program in reggan_plugin/ui/page/server.js.

import { PICTURES, Refused } from "../server.js";

export class Alone {
  accept = PICTURES;
  #asked = new Map();

  /** `described` is the file `state`: names of expressions and shapes, and files of the samples. */
  constructor(described) {
    this.described = described;
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data: { number, value, fault } }) => {
      const { done, fail } = this.#asked.get(number);
      this.#asked.delete(number);
      if (fault === undefined) done(value);
      else fail(new Refused(fault, "alone"));
    };
    this.worker.onerror = ({ message }) => {
      for (const { fail } of this.#asked.values()) fail(new Refused(`The engine cannot be loaded: ${message ?? "see the console"}.`, "alone"));
      this.#asked.clear();
    };
    for (const method of ["frame", "picture", "small", "change", "thumbnail", "save"]) {
      this[method] = (...given) => this.#ask(method, given);
    }
  }

  #ask(method, given) {
    return new Promise((done, fail) => {
      const number = (this.count = (this.count ?? 0) + 1);
      this.#asked.set(number, { done, fail });
      this.worker.postMessage({ number, method, given });
    });
  }

  async sample(name) {
    const fetched = async (path) => new File([await (await fetch(path)).blob()], path.split("/").at(-1));
    return this.open(await Promise.all(this.described.files[name].map(fetched)), () => {});
  }

  open(files, say) {
    say("Reading…");
    return this.#ask("open", [[...files].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))]);
  }
}
