// The whole shot as a job: start, watch, cancel, resume.

import { get, post } from "./server.js";

const EACH_MS = 400;
const GOING = ["tracking", "rendering", "stopping"];

export class Shot {
  /** `element` finds an element by its id, `attempt` runs what may fail. */
  constructor(element, attempt, asked) {
    Object.assign(this, { element, attempt, asked, timer: null });
    const on = (id, work) => element(id).addEventListener("click", () => attempt(work));
    on("start-job", () => this.start(false));
    on("resume-job", () => this.start(true));
    on("stop-job", async () => this.show(await (await post("job/stop", {})).json()));
  }

  async start(resume) {
    this.show(await (await post("job/start", { ...this.asked(), resume })).json());
    this.watch();
  }

  /** Ask how far the job is, until it ends. */
  async watch() {
    clearTimeout(this.timer);
    const progress = await get("job");
    this.show(progress);
    if (GOING.includes(progress.state)) {
      this.timer = setTimeout(() => this.attempt(() => this.watch(), true), EACH_MS);
    }
  }

  get isGoing() {
    return GOING.includes(this.state);
  }

  show({ state, done, frames, failed, out, message }) {
    this.state = state;
    const { isGoing } = this;
    this.element("stop-job").hidden = !isGoing;
    this.element("start-job").hidden = this.element("resume-job").hidden = isGoing;
    this.element("job-bar").hidden = state === "idle";
    this.element("job-bar").value = frames ? done / frames : 0;
    const where = state === "finished" ? ` The frames are in ${out}.` : "";
    const faults = failed ? ` ${failed} failed.` : "";
    const said = message ? ` ${message}` : "";
    this.element("job-said").textContent =
      state === "idle" ? "" : `${state}: ${done} of ${frames} frames.${faults}${where}${said}`;
  }
}
