// The page: what is open, what is asked for, and who is told when it changes.

import { Gallery } from "./gallery.js";
import { Latest, changedFace, download, get, post, upload } from "./server.js";
import { Shot } from "./shot.js";
import { ShapeSliders, Sliders } from "./sliders.js";
import { Stage } from "./stage.js";
import { Take } from "./take.js";

const element = (id) => document.getElementById(id);
const TAB = crypto.randomUUID();
const WHILE_SLIDING_PX = 512;
const AT_REST_PX = 4096;
const REST_MS = 250;
const NEED_FACE = ["save", "copy-command", "copy-python", "save-preset", "start-job", "resume-job",
  "copy-shot"];

const page = await get("state");
const open = { file: null, face: 0, frame: null };
const live = new Latest();
let order = 0;
let resting = null;
let inputAt = null;  // when the last input came that no picture shows yet

const stage = new Stage(element("view"), element("canvas"), chooseBox, (face) => attempt(() => showFace(face)));
const shot = new Shot(element, attempt, asked);
const take = new Take(element, attempt, showRow);
const dials = new Sliders((_, time) => changed(time));
const shapes = new ShapeSliders(element("shapes"), page.shapes, changed);
const gallery = new Gallery(element("gallery"), page.expressions, chooseExpression);
gallery.isPaused = () => live.isBusy;
dials.add(element("chosen"), "intensity", "Intensity", { most: 1.5, value: 1 });

function tell(message) {
  element("message").textContent = message;
  element("message").hidden = !message;
}

/** Run what may fail; a failure is told, and nothing else happens. Work in the background does not
 * clear what was told before. */
async function attempt(work, isBackground = false) {
  try {
    if (!isBackground) tell("");
    return await work();
  } catch (error) {
    tell(error.message);
    if (!error.kind) throw error;
    return null;
  }
}

// What is asked for

function weights() {
  const names = dials.names().filter((name) => name !== "intensity");
  const named = names.map((name) => [name, dials.get(name)]).filter(([, weight]) => weight);
  return { ...Object.fromEntries(named), ...shapes.weights() };
}

function asked() {
  const change = { weights: weights(), intensity: dials.get("intensity") };
  return { file: open.file, face: open.face, change };
}

function chosenNames() {
  return dials.names().filter((name) => name !== "intensity" && name !== "neutral");
}

/** One expression in place of those before; with Shift or Ctrl beside them, up to two. */
function chooseExpression(name, event) {
  const isBlend = event.shiftKey || event.ctrlKey || event.metaKey;
  const old = chosenNames();
  for (const other of isBlend ? old.slice(0, -1) : old) if (other !== name) dials.remove(other);
  if (name === "neutral" && dials.has("neutral")) dials.set("neutral", 1);
  else if (!dials.has(name)) dials.add(element("chosen"), name, name, { value: isBlend ? 0.5 : 1 });
  else dials.set(name, 1);
  if (!isBlend) shapes.reset();
  gallery.mark(chosenNames());
  changed(event.timeStamp);
}

/** A row of a take in place of all that is chosen; its sliders show it, where the model has them. */
function showRow(row, time) {
  for (const name of chosenNames()) if (!(name in row)) dials.remove(name);
  dials.set("neutral", 0);
  shapes.reset();
  for (const [name, weight] of Object.entries(row)) {
    if (shapes.has(name)) shapes.set(name, weight);
    else if (dials.has(name)) dials.set(name, weight);
    else if (name !== "neutral" && gallery.has(name)) dials.add(element("chosen"), name, name, { value: weight });
  }
  gallery.mark(chosenNames());
  changed(time);
}

function reset() {
  for (const name of chosenNames()) dials.remove(name);
  dials.set("neutral", 0);
  dials.set("intensity", 1);
  shapes.reset();
  gallery.mark([]);
  changed(performance.now());
}

// The live picture

function changed(time) {
  if (open.file === null) return;
  clearTimeout(resting);
  inputAt = time;
  element("view").ariaBusy = "true";
  attempt(() => live.run(() => renderOnce(WHILE_SLIDING_PX)));
  resting = setTimeout(() => {
    resting = null;
    attempt(() => live.run(renderAtRest), true);
  }, REST_MS);
}

async function renderAtRest() {
  await renderOnce(AT_REST_PX);
  if (resting === null && inputAt === null) element("view").ariaBusy = "false";
}

async function renderOnce(longest) {
  const since = inputAt;
  inputAt = null;
  order += 1;
  const body = { ...asked(), longest, tab: TAB, order, layer: element("layer").value };
  if (!Object.keys(body.change.weights).length) return stage.lay(null);
  if (longest === AT_REST_PX && since === null && stage.changed?.factor === 1) return;
  const face = await changedFace(body);
  if (!face || body.file !== open.file) return;
  stage.lay({ ...face, order: body.order });
  if (since !== null) performance.measure("change", { start: since, end: performance.now() });
  const count = performance.getEntriesByName("change").length;
  if (count > 1000) performance.clearMeasures("change");
  sayShare(face.share);
}

function sayShare(share) {
  element("status").textContent = share < 1
    ? `The head is turned: ${Math.round(share * 100)} % of the intensity is shown.` : "";
}

// Opening

async function showFile(file) {
  await attempt(async () => {
    gallery.stop();
    const frame = await get(`frame?file=${file}`);
    Object.assign(open, { file, frame, face: open.face?.box ? open.face : 0 });
    await showFace(open.face);
    const note = frame.factor > 1 ? ` Shown at 1/${frame.factor} of its size.` : "";
    element("status").textContent =
      `${frame.width}×${frame.height}, ${frame.faces.length} faces.${note} ${frame.notices.join(" ")}`;
    showFaces();
    if (!frame.faces.length) tell("No face was found. Draw a box around it, brows to chin.");
  });
}

async function showFace(face) {
  open.face = face;
  stage.chosen = face;
  stage.drawn = face.box ?? null;
  const query = new URLSearchParams({ file: open.file, face: JSON.stringify(face) });
  const image = await fetch(`picture?${query}`);
  stage.show(open.frame, await createImageBitmap(await image.blob()));
  element("canvas").dataset.file = open.file;
  element("canvas").setAttribute("aria-label", element("files").selectedOptions[0]?.text ?? "");
  const isFace = typeof face !== "number" || face < open.frame.faces.length;
  for (const id of ["wipe", "draw-box"]) element(id).disabled = false;
  for (const id of NEED_FACE) element(id).disabled = !isFace;
  if (!isFace) return;
  changed(performance.now());
  const ask = (name) => ({ file: open.file, face, change: { weights: { [name]: 1 } } });
  element("gallery").ariaBusy = "true";
  attempt(() => gallery.make(ask, () => (element("gallery").ariaBusy = "false")), true);
}

function showFaces() {
  const choices = open.frame.faces.map((_, index) => [index, `${index + 1}`]);
  const box = element("faces").lastElementChild;
  box.replaceChildren();
  for (const [face, label] of choices) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.textContent = `Face ${label}`;
    button.addEventListener("click", () => attempt(() => showFace(face)));
    box.append(button, " ");
  }
  element("faces").hidden = choices.length < 2;
}

function chooseBox(box) {
  element("view").classList.remove("is-drawing");
  element("draw-box").setAttribute("aria-pressed", "false");
  attempt(() => showFace({ box }));
}

function listShot({ name, files, first }) {
  const group = document.createElement("optgroup");
  group.label = name;
  files.forEach((file, index) => group.append(new Option(file, first + index)));
  element("files").append(group);
  element("files").disabled = false;
}

async function openShot(opened) {
  listShot(opened);
  element("files").value = opened.first;
  open.face = 0;
  await showFile(opened.first);
}

async function openFiles(files) {
  const pictures = files.filter((file) => !file.name.startsWith("."));
  if (!pictures.length) return;
  if (pictures.length === 1 && Take.is(pictures[0])) return void (await attempt(() => take.open(pictures[0])));
  await attempt(async () => {
    const drop = crypto.randomUUID().replaceAll("-", "");
    for (const [index, file] of pictures.entries()) {
      element("status").textContent = `Reading ${file.name} (${index + 1} of ${pictures.length})…`;
      await upload(file, drop);
    }
    element("status").textContent = "";
    await openShot(await (await post("opened", { drop })).json());
  });
}

/** Files of a drop, those in folders too. */
async function filesOfDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const files = entries.length ? [] : [...transfer.files];
  while (entries.length) {
    const entry = entries.shift();
    if (entry.isFile) files.push(await new Promise((done, fail) => entry.file(done, fail)));
    else {
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((done, fail) => reader.readEntries(done, fail));
        if (!some.length) break;
        entries.push(...some.filter((one) => one.isFile));
      }
    }
  }
  return files;
}

// Keeping

async function copyWords(kind) {
  const words = await (await post("words", asked())).json();
  element("words").value = words[kind];
  element("words").hidden = false;
  await navigator.clipboard?.writeText(words[kind]).catch(() => {});
  element("status").textContent = "Copied.";
}

async function save() {
  const name = await download("save", asked());
  element("status").textContent = `Saved ${name}.`;
}

async function savePreset() {
  const name = element("preset-name").value.trim();
  await download("preset", { ...asked(), name });
  element("status").textContent = `Saved the preset ${name}.`;
}

// Wiring

function on(id, event, work) {
  element(id).addEventListener(event, (happening) => attempt(() => work(happening)));
}

element("model").textContent = `${page.model.name} ${page.model.version}, ${page.model.device}`;
element("layers").hidden = !page.layers;
element("take").hidden = !page.shapes.length;
if (page.take) take.show(page.take);
if (page.neutral) dials.add(element("chosen"), "neutral", "Neutral");
for (const name of page.samples) element("samples").append(new Option(name, name));
element("view").classList.add("is-empty", "is-fit");
on("open", "click", () => element("picker").click());
on("open-folder", "click", () => element("folder-picker").click());
for (const id of ["picker", "folder-picker"]) {
  on(id, "change", ({ target }) => {
    const files = [...target.files];
    target.value = "";  // so that the same file can be chosen again
    return openFiles(files);
  });
}
on("samples", "change", async ({ target }) => {
  if (target.value) await openShot(await (await post("sample", { name: target.value })).json());
  target.value = "";
});
on("files", "change", ({ target }) => showFile(Number(target.value)));
on("reset", "click", reset);
on("save", "click", save);
on("copy-command", "click", () => copyWords("frame"));
on("copy-python", "click", () => copyWords("python"));
on("copy-take", "click", () => open.frame ? copyWords("take") : tell("Open the shot first."));
on("copy-shot", "click", () => copyWords("shot"));
on("layer", "change", () => changed(performance.now()));
on("save-preset", "click", savePreset);
on("wipe", "input", ({ target }) => {
  stage.wipe = Number(target.value);
  stage.draw();
});
for (const [id, isFit] of [["fit", true], ["full", false]]) {
  on(id, "click", () => {
    element("view").classList.toggle("is-fit", isFit);
    element("fit").setAttribute("aria-pressed", String(isFit));
    element("full").setAttribute("aria-pressed", String(!isFit));
  });
}
on("draw-box", "click", ({ target }) => {
  const isDrawing = element("view").classList.toggle("is-drawing");
  target.setAttribute("aria-pressed", String(isDrawing));
  stage.draw();
});
on("quit", "click", async () => {
  await post("quit", {});
  document.body.textContent = "reggan-plugin has stopped. You may close this page.";
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    element("view").classList.toggle("is-target", kind === "dragover");
  });
}
document.addEventListener("drop", ({ dataTransfer }) => {
  attempt(async () => openFiles(await filesOfDrop(dataTransfer)));
});

const KEYS = { 0: () => element("fit").click(), 1: () => element("full").click() };
document.addEventListener("keydown", ({ key, target }) => {
  if (target.matches("input, select") || !open.frame) return;
  if (key.toLowerCase() === "b") seeBefore(true);
  else KEYS[key]?.();
});
document.addEventListener("keyup", ({ key }) => {
  if (key.toLowerCase() === "b" && open.frame) seeBefore(false);
});

function seeBefore(isHeld) {
  stage.wipe = isHeld ? 100 : Number(element("wipe").value);
  stage.draw();
}

for (const one of page.shots) listShot(one);
attempt(() => shot.watch(), true);
if (page.shots.length) await showFile(page.shots[0].first);
document.body.dataset.ready = "true";
