// What is kept: the file, the words that make it again, a preset.

import { engine } from "./choose_engine.js";
import { download, made, post } from "./server.js";

const SHOWN_MS = 6000; // what is copied; while somebody selects in it, it stays

export class Keeping {
  /** `asked` gives the body of a request, `say` tells the user. */
  constructor(element, on, asked, say) {
    Object.assign(this, { element, asked, say });
    on("save", "click", () => this.save());
    on("copy-command", "click", () => this.copy("frame"));
    on("copy-python", "click", () => this.copy("python"));
    on("copy-take", "click", () => this.copy("take"));
    on("copy-shot", "click", () => this.copy("shot"));
    on("save-preset", "click", () => this.savePreset());
  }

  async copy(kind) {
    const asked = this.asked();
    if (asked.file === null) return this.say("Open the shot first.");
    const { words } = await (await post("words", { ...asked, kind })).json();
    const shown = this.element("words");
    shown.value = words;
    shown.hidden = false;
    const isCopied = await navigator.clipboard?.writeText(words).then(() => true, () => false);
    this.say(isCopied ? "Copied." : "Copy it from below.");
    clearTimeout(this.hiding);
    const hide = () => {
      const isRead = shown.matches(":hover") || getSelection().containsNode(shown, true);
      if (isRead && !getSelection().isCollapsed) this.hiding = setTimeout(hide, SHOWN_MS);
      else shown.hidden = true;
    };
    if (isCopied) this.hiding = setTimeout(hide, SHOWN_MS);
  }

  async save() {
    this.say("Saving…");
    this.say(`Saved ${download(await engine.save(this.asked()))}.`);
  }

  async savePreset() {
    const name = this.element("preset-name").value.trim();
    if (!name) {
      this.element("preset-name").focus();
      return this.say("Type a name for the preset first.");
    }
    download(await made("preset", { ...this.asked(), name }));
    this.say(`Saved the preset ${name}.`);
  }
}
