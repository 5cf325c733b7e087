// A face before the camera, or in a clip: the character on the stage follows it; it is recorded,
// trimmed, and opened as a take.

import { Latest, post, put } from "./server.js";

const LONGEST_PX = 480;
const LONGEST_STILL_PX = 1280;
const QUALITY = 0.85;
const REFUSED = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it beside the address, and click again.",
  NotFoundError: "There is no camera. Connect one, or take a clip.",
  NotReadableError: "The camera is in use by another program. Close that one.",
};

/** What to do about errors of the program that the page alone cannot help. */
const WITH_READER = "Start the page with it: reggan-plugin ui --landmarker face_landmarker.task. Rendered "
  + "characters need none: reggan-plugin ui --reader character.";
const STARTED = {
  "no-landmarker": WITH_READER,
  "landmarker": WITH_READER,
};

export class Performance {
  /** `attempt` tells what fails, `onRow` shows weights on the stage, `take` opens what was recorded. */
  constructor(parent, attempt, onRow, take) {
    Object.assign(this, { attempt, onRow, take, latest: new Latest() });
    this.canvas = document.createElement("canvas");
    this.isRecording = false;
    this.seconds = 0;
    this.#build(parent);
  }

  #build(parent) {
    const add = (tag, id, properties = {}) => {
      const made = Object.assign(document.createElement(tag), { id, ...properties });
      parent.append(made);
      return made;
    };
    const button = (id, text, work, isDisabled = false) => {
      const made = add("button", id, { type: "button", textContent: text, disabled: isDisabled });
      made.addEventListener("click", () => this.attempt(work));
      return made;
    };
    add("p", "camera-hint", {
      className: "quiet",
      textContent: "Or be the performance: look into the camera, or take a clip of a face. Pictures go to the "
        + "program on this computer only, and are not kept.",
    });
    this.cameraButton = button("camera", "Use the camera", () => this.#toggleCamera());
    button("clip", "Use a clip…", () => this.picker.click());
    this.picker = add("input", "clip-picker", { type: "file", accept: "video/*", hidden: true });
    this.picker.addEventListener("change", () => {
      const [file] = this.picker.files;
      this.picker.value = "";
      if (file) this.attempt(() => this.#openClip(file));
    });
    button("like", "Like a picture…", () => this.likePicker.click());
    this.likePicker = add("input", "like-picker", { type: "file", accept: "image/*", hidden: true });
    this.likePicker.addEventListener("change", () => {
      const [file] = this.likePicker.files;
      this.likePicker.value = "";
      if (file) this.attempt(() => this.#like(file));
    });
    this.video = add("video", "camera-picture", { muted: true, playsInline: true, hidden: true });
    this.video.setAttribute("aria-label", "What the camera sees");
    this.restButton = button("camera-rest", "My face is at rest now", () => this.#takeRest(), true);
    this.recordButton = button("record", "Record", () => this.#toggleRecording(), true);
    this.said = add("p", "camera-said");
    this.said.setAttribute("role", "status");
    this.trim = add("div", "trim", { hidden: true });
    this.ends = ["From", "To"].map((name) => this.#end(name));
    this.keepButton = Object.assign(document.createElement("button"), {
      id: "keep-take", type: "button", textContent: "Open as a take",
    });
    this.keepButton.addEventListener("click", () => this.attempt(() => this.#keep()));
    this.saveLink = Object.assign(document.createElement("a"), {
      id: "save-take", textContent: "Save the take", download: "take.csv", hidden: true,
    });
    this.trim.append(this.keepButton, this.saveLink);
    this.playButton = button("play-take", "Play the take", () => this.#play());
    this.playButton.hidden = true;
  }

  #end(name) {
    const row = Object.assign(document.createElement("div"), { className: "dial" });
    const id = `trim-${name.toLowerCase()}`;
    const label = Object.assign(document.createElement("label"), { htmlFor: id, textContent: name });
    const input = Object.assign(document.createElement("input"), { id, type: "range", min: 0, max: 1, step: 0.01 });
    const output = document.createElement("output");
    output.htmlFor = id;
    input.addEventListener("input", () => { output.value = `${Number(input.value).toFixed(2)} s`; });
    row.append(label, input, output);
    this.trim.append(row);
    return { input, output };
  }

  async #toggleCamera() {
    if (this.isOn) return this.stop();
    if (!navigator.mediaDevices?.getUserMedia) return this.#refuse(REFUSED.NotFoundError);
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
    } catch ({ name, message }) {
      this.#refuse(REFUSED[name] ?? `The camera cannot be used: ${message}.`);
      return null;
    }
    this.video.srcObject = stream;
    return this.#begin("Stop the camera");
  }

  async #openClip(file) {
    this.stop();
    this.video.srcObject = null;
    this.video.src = URL.createObjectURL(file);
    this.video.onended = () => this.attempt(() => this.stop());
    this.video.onerror = () => {
      this.isRecording = false;  // there is nothing to trim
      this.stop();
      this.#refuse(`${file.name} cannot be played by this browser. Use it on the command line: `
        + `reggan-plugin perform ${file.name} --out take.csv`);
    };
    await post("performance/begin", {});
    if (this.video.error) return;  // which is told already
    this.isRecording = true;  // a clip is recorded as it plays
    this.recordButton.textContent = "Stop recording";
    await this.#begin("Stop the clip");
  }

  /** Show the expression of the face in a picture. */
  async #like(file) {
    const since = performance.now();
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (!bitmap) {
      this.#refuse(`${file.name} cannot be shown by this browser. Use it on the command line: --like ${file.name}`);
      return;
    }
    const picture = await this.#jpeg(bitmap, bitmap.width, bitmap.height, LONGEST_STILL_PX);
    bitmap.close();
    const answer = await put(`performance/like?${new URLSearchParams({ name: file.name })}`, picture);
    const { weights, notes } = await answer.json();
    this.onRow(weights, since);
    this.said.textContent = [`The face shows what ${file.name} shows.`, ...notes].join(" ");
  }

  /** A picture for the program, no larger than it needs. */
  #jpeg(source, width, height, longest) {
    const factor = Math.min(1, longest / Math.max(width, height));
    Object.assign(this.canvas, { width: Math.round(width * factor), height: Math.round(height * factor) });
    this.canvas.getContext("2d").drawImage(source, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((done) => { this.canvas.toBlob(done, "image/jpeg", QUALITY); });
  }

  async #begin(label) {
    this.isOn = true;
    this.video.hidden = false;
    this.cameraButton.textContent = label;
    await this.video.play().catch(() => {});
    if (!this.isOn) return;
    this.restButton.disabled = this.recordButton.disabled = false;
    this.#next();
  }

  #refuse(text) {
    this.attempt(() => {
      throw Object.assign(new Error(text), { kind: "camera" });
    });
  }

  stop() {
    if (!this.isOn) return;
    this.isOn = false;
    for (const track of this.video.srcObject?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
    this.video.hidden = true;
    this.cameraButton.textContent = "Use the camera";
    this.restButton.disabled = this.recordButton.disabled = true;
    if (this.isRecording) this.#endRecording();
  }

  /** Look at one picture after another; where reading is slow, pictures in between are left out. */
  #next() {
    if (!this.isOn) return;
    const look = () => this.#look().finally(() => this.#next());
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(look);
    else setTimeout(look, 30);
  }

  async #look() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return;
    const since = performance.now();
    const picture = await this.#jpeg(this.video, width, height, LONGEST_PX);
    const time = this.video.srcObject ? since / 1000 : this.video.currentTime;
    const query = new URLSearchParams({ time, records: this.isRecording });
    try {
      const answer = await (await put(`performance/picture?${query}`, picture)).json();
      this.#show(answer, since, time);
    } catch (error) {
      this.stop();
      this.#refuse(`${error.message} ${STARTED[error.kind] ?? ""}`);
    }
  }

  #show({ weights, faces, is_seen: isSeen, has_rest: hasRest, recorded }, since, time) {
    if (isSeen) this.onRow(weights, since);
    performance.measure("read", { start: since, end: performance.now() });
    if (performance.getEntriesByName("read").length > 1000) performance.clearMeasures("read");
    const parts = [];
    if (!isSeen) parts.push("No face is seen: look into the camera, with light on your face.");
    if (faces > 1) parts.push(`${faces} faces are seen; one is followed.`);
    if (isSeen && !hasRest) parts.push("For better weights: relax your face, and say that it is at rest.");
    if (this.isRecording) {
      this.firstTime ??= time;
      this.seconds = time - this.firstTime;
      parts.push(`Recording: ${this.seconds.toFixed(1)} s, ${recorded} pictures.`);
    }
    this.said.textContent = parts.join(" ");
  }

  async #takeRest() {
    await post("performance/rest", {});
    this.said.textContent = "This is your face at rest.";
  }

  async #toggleRecording() {
    if (this.isRecording) return this.#endRecording();
    await post("performance/begin", {});
    this.isRecording = true;
    this.recordButton.textContent = "Stop recording";
    return null;
  }

  #endRecording() {
    this.isRecording = false;
    this.firstTime = undefined;
    this.recordButton.textContent = "Record";
    this.trim.hidden = false;
    this.saveLink.hidden = true;
    for (const [place, { input, output }] of this.ends.entries()) {
      input.max = this.seconds;
      input.value = place * this.seconds;
      output.value = `${Number(input.value).toFixed(2)} s`;
    }
  }

  async #keep() {
    const [from, to] = this.ends.map(({ input }) => Number(input.value));
    const slack = to >= Number(this.ends[1].input.max) ? 1 : 0;
    const text = await (await post("performance/take", { from, to: to + slack })).text();
    const file = new File([text], "take.csv", { type: "text/csv" });
    URL.revokeObjectURL(this.saveLink.href);
    this.saveLink.href = URL.createObjectURL(file);
    this.saveLink.hidden = this.playButton.hidden = false;
    await this.take.open(file);
  }

  /** Play the open take once, as fast as it was recorded; rows that come too soon are left out. */
  async #play() {
    const slider = document.getElementById("take-row");
    const start = performance.now();
    const rows = Number(slider.max);
    for (let row = 0; row <= rows;) {
      slider.value = row;
      await this.take.seek(performance.now());
      await new Promise(requestAnimationFrame);
      const due = Math.floor((performance.now() - start) / 1000 * this.take.fps);
      row = row === rows ? rows + 1 : Math.min(rows, Math.max(row + 1, due));
    }
  }
}
