// The page: what is open, what is asked for, and who is told when it changes.

import { engine, state as page } from "./choose_engine.js";
import { Fit } from "./character_fit.js";
import { Gallery } from "./gallery.js";
import { History, keep, kept } from "./undo.js";
import { Keeping } from "./save_and_copy.js";
import { filesOfDrop, openGiven } from "./open_files.js";
import { Performance } from "./performance.js";
import { Latest, post } from "./server.js";
import { Shot } from "./shot_job.js";
import { ShapeSliders, Sliders } from "./sliders.js";
import { Stage } from "./picture_view.js";
import { Tabs } from "./tabs.js";
import { Take } from "./take.js";
import { Timeline } from "./timeline.js";

const element = (id) => document.getElementById(id);
const TAB = crypto.randomUUID();
const WHILE_SLIDING_PX = 512;
const AT_REST_PX = 4096;
const REST_MS = 250;
const NEED_FACE = ["save", "copy-command", "save-preset"];
const NEED_FRAME = ["copy-python", "start-job", "resume-job", "copy-shot"];
const SAVES = { frame: "Save the frame", view: "Save the head", map: "Save its map" };

const open = { file: null, face: 0, frame: null, others: new Map() };
const live = new Latest();
const shots = [];
let order = 0;
let resting = null;
let inputAt = null;  // when the last input came that no picture shows yet
let working = 0;

const stage = new Stage(element("view"), element("canvas"), element("handle"), {
  onBox: chooseBox,
  onFace: (face) => attempt(() => chooseFace(face)),
  onWipe: (wipe) => { element("wipe").value = wipe; remember(); },
  onZoom: showZoom,
});
const shot = new Shot(element, attempt, asked);
const take = new Take(element, attempt, showRow, () => tabs.show(element("tab-take")));
const fit = page.fit && new Fit(element, attempt, page.fit, {
  changed: () => take.fps && take.seek(performance.now()),
  ended: () => history.step(),
  say,
});
new Performance(element("live-performance"), attempt, showRow, take);
const timeline = new Timeline(element, attempt, {
  now: change,
  show: (wanted) => { put(wanted); if (open.frame) changed(performance.now()); },
  go: (place) => goTo(timeline.shot.first + place),
  play: (bitmap) => stage.play(bitmap),
  ask: () => open.face,
  opened: (found) => take.show(found),
  changed: () => history.step() || remember(),
  say,
});
const dials = new Sliders((_, time) => changed(time), ended);
const shapes = new ShapeSliders(element("shapes"), page.shapes, changed, ended);
const gallery = new Gallery(element("gallery"), element("panels"), page.expressions, chooseExpression);
// A shot that is rendered has the processor for itself.
gallery.isPaused = () => live.isBusy || resting !== null || shot.isGoing;
dials.add(element("chosen"), "intensity", "Intensity", { most: 1.5, value: 1 });
const history = new History(stateNow, showState, ({ past, future }) => {
  element("undo").disabled = !past.length;
  element("redo").disabled = !future.length;
  remember();
});

function tell(message) {
  element("said").textContent = message;
  element("message").hidden = !message;
}

function say(text) {
  element("status").textContent = text;
}

/** Run what may fail; a failure is told, and nothing else happens. Work in the background does not
 * clear what was told before. */
async function attempt(work, isBackground = false) {
  try {
    if (!isBackground) tell("");
    return await work();
  } catch (error) {
    say("");
    tell(error.message);
    if (!error.kind) throw error;
    return null;
  }
}

/** Run what takes a while, with a sign that it does. */
async function busy(work) {
  working += 1;
  document.body.classList.add("is-busy");
  try {
    return await work();
  } finally {
    working -= 1;
    document.body.classList.toggle("is-busy", working > 0);
  }
}

// What is asked for

function weights() {
  const names = dials.names().filter((name) => name !== "intensity");
  const named = names.map((name) => [name, dials.get(name)]).filter(([, weight]) => weight);
  return { ...Object.fromEntries(named), ...shapes.weights() };
}

function change() {
  return { weights: weights(), intensity: dials.get("intensity") };
}

function asked() {
  const others = Object.fromEntries([...open.others].filter(([face]) => face !== open.face));
  return { file: open.file, face: open.face, change: change(), others };
}

/** A move has ended. */
function ended() {
  timeline.moved();
  history.step();
}

/** Show another frame of what is open. */
async function goTo(file) {
  if (file === open.file) return;
  element("files").value = file;
  await showFile(file);
}

/** All that is asked for, as text. */
function stateNow() {
  const keys = timeline.shot && [...timeline.keys];
  return JSON.stringify({ face: open.face, own: change(), others: [...open.others], each: element("each").checked, keys, fit: fit?.table() });
}

function showState(text) {
  const { face, own, others, each, keys, fit: fitted } = JSON.parse(text);
  element("each").checked = each;
  open.others = new Map(others);
  if (timeline.shot) timeline.setKeys(keys ?? []);
  put(timeline.shot && timeline.keys.size ? timeline.changeAt(timeline.at) : own);
  if (JSON.stringify(face) !== JSON.stringify(open.face)) attempt(() => showFace(face));
  else changed(performance.now());
  attempt(showOthers, true);
  if (fitted && JSON.stringify(fitted) !== JSON.stringify(fit.table())) attempt(() => fit.set(fitted));
}

/** Pictures of the faces that are not chosen, with the expressions that they have. */
async function showOthers() {
  stage.others.clear();
  for (const [face, own] of open.others) {
    if (face === open.face || face >= open.frame.faces.length) continue;
    const body = { file: open.file, face, change: own, longest: AT_REST_PX, tab: `${TAB}-${face}`, order: ++order };
    const shown = await engine.change(body);
    if (shown && body.file === open.file && open.others.has(face)) stage.layOther(face, shown);
  }
  stage.draw();
}

/** What a reload finds again. */
function remember() {
  if (open.file === null || !document.body.dataset.ready) return;
  const tab = document.querySelector("#tabs [aria-selected=true]")?.id;
  const keys = timeline.shot && { first: timeline.shot.first, all: [...timeline.keys] };
  keep({ file: open.file, state: stateNow(), wipe: stage.wipe, zoom: stage.zoom, tab, keys });
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
  ended();
}

/** A row of a take in place of all that is chosen; its sliders show it, where the model has them. */
function showRow(row, time) {
  for (const name of chosenNames()) if (!(name in row)) dials.remove(name);
  dials.set("neutral", 0);
  shapes.reset();
  showWeights(row);
  gallery.mark(chosenNames());
  changed(time);
}

function showWeights(weights) {
  for (const [name, weight] of Object.entries(weights)) {
    if (shapes.has(name)) shapes.set(name, weight);
    else if (dials.has(name)) dials.set(name, weight);
    else if (name === "shutMouth") dials.add(element("chosen"), name, "Shut its mouth", { value: weight });
    else if (name !== "neutral" && gallery.has(name)) dials.add(element("chosen"), name, name, { value: weight });
  }
}

/** Let the sliders show a change, or nothing. */
function put({ weights = {}, intensity = 1 }) {
  for (const name of chosenNames()) dials.remove(name);
  dials.set("neutral", 0);
  dials.set("intensity", intensity);
  shapes.reset();
  showWeights(weights);
  gallery.mark(chosenNames());
}

function reset() {
  put({});
  changed(performance.now());
  ended();
}

/** Another face is chosen: the one before keeps what it was asked for, if each has its own. */
function chooseFace(face) {
  if (element("each").checked && typeof open.face === "number" && face !== open.face) {
    if (isAsked()) open.others.set(open.face, change());
    else open.others.delete(open.face);
    stage.keep(open.face, isAsked());
    put(open.others.get(face) ?? {});
    stage.keep(face, false);
  }
  return showFace(face).then(() => history.step());
}

function forgetOthers() {
  open.others.clear();
  stage.others.clear();
  stage.draw();
}

// The live picture

function changed(time) {
  if (open.file === null || !hasFace()) return;
  clearTimeout(resting);
  resting = null;
  element("words").hidden = true;  // they were of what was chosen before
  markFaces();
  if (!isAsked()) return showPlain();
  inputAt = time;
  element("view").ariaBusy = "true";
  attempt(() => live.run(() => renderOnce(WHILE_SLIDING_PX)));
  resting = setTimeout(() => {
    resting = null;
    attempt(() => live.run(renderAtRest), true);
  }, REST_MS);
}

function isAsked() {
  return Object.keys(weights()).length > 0;
}

/** The frame as it is, at once: nothing is to be made, and the gallery need not wait. */
function showPlain() {
  order += 1;  // what is still on its way is no longer wanted
  stage.lay(null);
  element("view").ariaBusy = "false";
}

async function renderAtRest() {
  await renderOnce(AT_REST_PX);
  if (resting === null && inputAt === null) element("view").ariaBusy = "false";
}

async function renderOnce(longest) {
  const since = inputAt;
  inputAt = null;
  order += 1;
  const draft = longest < AT_REST_PX;
  const body = { ...asked(), longest, draft, tab: TAB, order, layer: element("layer").value };
  if (!isAsked()) return stage.lay(null);
  const isWhole = stage.changed?.factor === 1 && !stage.changed.isDraft;
  if (!draft && since === null && isWhole) return;
  const face = await engine.change(body);
  if (!face || body.order !== order || body.file !== open.file) return;
  stage.lay(face);
  if (since !== null) performance.measure("change", { start: since, end: performance.now() });
  const count = performance.getEntriesByName("change").length;
  if (count > 1000) performance.clearMeasures("change");
  if (face.share < 1) say(`The head is turned: ${Math.round(face.share * 100)} % of the intensity is shown.`);
}

// Opening

function hasFace() {
  return typeof open.face !== "number" || open.face < open.frame.faces.length;
}

/** Show a file; if it cannot be read, that is told, and what was open before is shown again. */
async function showFile(file) {
  const before = open.file;
  if (await attempt(() => busy(() => showFrame(file))) || before === null || before === file) return;
  const told = element("said").textContent;
  element("files").value = before;
  await attempt(() => busy(() => showFrame(before)));
  tell(told);
}

/** True when it is there. */
async function showFrame(file) {
  gallery.clear(false);
  for (const id of [...NEED_FACE, ...NEED_FRAME]) element(id).disabled = true;
  say("Reading, and looking for faces…");
  const frame = await engine.frame(file);
  const keepsBox = frame.kind === "frame" && open.face.box;  // of a shot, not of a head
  const isThere = keepsBox || (typeof open.face === "number" && open.face < frame.faces.length);
  Object.assign(open, { file, frame, face: isThere ? open.face : 0 });
  forgetOthers();
  showKind(frame.kind);
  const own = shots.findLast(({ first }) => first <= file);
  const isSameShot = timeline.shot === own && timeline.keys.size > 0;
  timeline.open(frame.kind === "frame" ? own : null);
  timeline.seen(file - own.first);
  await showFace(open.face);
  const count = frame.faces.length;
  const faces = frame.kind !== "frame" ? "" : `, ${count || "no"} face${count === 1 ? "" : "s"}`;
  const note = frame.factor > 1 ? ` Shown at 1/${frame.factor} of its size.` : "";
  say(`${frame.width}×${frame.height}${faces}.${note} ${frame.notices.join(" ")}`);
  showFaces();
  if (isSameShot) history.follow();
  else history.begin();
  if (!hasFace()) tell("No face was found. Draw a box around it, from the brows to below the chin.");
  return true;
}

/** What a frame, a head and a map have of buttons. */
function showKind(kind) {
  const shot = shots.findLast(({ first }) => first <= open.file);
  const saves = kind === "view" && !shot.gives_mesh ? "map" : kind;
  element("save").textContent = SAVES[saves];
  element("tab-shot").hidden = element("draw-box").hidden = kind !== "frame";
  element("layers").hidden = !page.layers || kind === "map";
  if (kind === "map") element("layer").value = "picture";
  if (kind !== "frame" && !element("shot").hidden) tabs.show(element("tab-expressions"));
}

async function showFace(face) {
  open.face = face;
  stage.chosen = face;
  markFaces();
  stage.drawn = face.box ?? null;
  stage.show(open.frame, await engine.picture(open.file, face));
  document.body.classList.remove("is-empty");
  element("canvas").dataset.file = open.file;
  element("canvas").setAttribute("aria-label", element("files").selectedOptions[0]?.text ?? "");
  for (const id of ["wipe", "draw-box"]) element(id).disabled = false;
  for (const id of NEED_FACE) element(id).disabled = !hasFace();
  for (const id of NEED_FRAME) element(id).disabled = !hasFace() || open.frame.kind !== "frame";
  if (hasFace()) {
    changed(performance.now());
    makeGallery(open.file, face);
  } else {
    gallery.clear(false);
    element("gallery-said").textContent = "They appear once there is a face.";
  }
}

function makeGallery(file, face) {
  const ask = (name) => ({ file, face, change: { weights: { [name]: 1 } } });
  element("gallery").ariaBusy = "true";
  attempt(() => gallery.make(ask, (done, all) => {
    const isDone = done === all;
    element("gallery-said").textContent = isDone
      ? "Click one; Shift-click a second to blend." : `${done} of ${all} on this face…`;
    if (isDone) element("gallery").ariaBusy = "false";
  }), true);
}

function showFaces() {
  const choices = open.frame.faces.map((_, index) => index);
  const box = element("faces").lastElementChild;
  box.replaceChildren();
  for (const face of choices) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.textContent = `Face ${face}`;  // as --face counts
    button.dataset.face = face;
    button.addEventListener("click", () => attempt(() => chooseFace(face)));
    box.append(button, " ");
  }
  element("faces").hidden = choices.length < 2;
  markFaces();
}

/** Which face the sliders are of, and which have an expression. */
function markFaces() {
  for (const button of element("faces").querySelectorAll("button")) {
    const face = Number(button.dataset.face);
    button.setAttribute("aria-pressed", String(face === open.face));
    button.toggleAttribute("data-changed", face === open.face ? isAsked() : open.others.has(face));
  }
}

function showZoom(zoom) {
  element("fit").setAttribute("aria-pressed", String(zoom === null));
  element("full").setAttribute("aria-pressed", String(zoom === 1));
  remember();
}

function chooseBox(box) {
  element("view").classList.remove("is-drawing");
  element("draw-box").setAttribute("aria-pressed", "false");
  forgetOthers();
  attempt(() => showFace({ box }));
}

function listShot(opened) {
  shots.push(opened);
  const group = document.createElement("optgroup");
  group.label = opened.name;
  opened.files.forEach((file, index) => group.append(new Option(file, opened.first + index)));
  element("files").append(group);
  element("files").disabled = false;
}

async function openShot(opened) {
  listShot(opened);
  element("files").value = opened.first;
  open.face = 0;
  await showFile(opened.first);
}

function openFiles(files) {
  return attempt(() => busy(() => openGiven(files, { say, openShot, take })));
}

async function openSample(name) {
  await openShot(await engine.sample(name));
}

// Wiring

function on(id, event, work) {
  element(id).addEventListener(event, (happening) => attempt(() => work(happening)));
}

const tabs = new Tabs(element("tabs"));
new Keeping(element, on, asked, say);
element("model").textContent = `${page.model.name} ${page.model.version} on ${page.model.device}`;
element("layers").hidden = !page.layers;
element("tab-take").hidden = element("tab-shapes").hidden = !page.shapes.length;
if (page.take) take.show(page.take);
if (page.neutral) {
  dials.add(element("chosen"), "neutral", "Weaken its own");
  const help = Object.assign(document.createElement("button"), { type: "button", className: "help", textContent: "?" });
  help.setAttribute("aria-label", "What is Weaken its own?");
  help.setAttribute("aria-expanded", "false");
  help.setAttribute("aria-controls", "neutral-help");
  help.addEventListener("click", () => {
    const isShown = element("neutral-help").toggleAttribute("hidden");
    help.setAttribute("aria-expanded", String(!isShown));
  });
  document.querySelector("label[for=dial-neutral]").append(help);
}
for (const name of page.samples) {
  const label = name.replaceAll("_", " ");
  element("samples").append(new Option(label, name));
  const button = Object.assign(document.createElement("button"), { type: "button" });
  button.textContent = label;
  button.addEventListener("click", () => attempt(() => openSample(name)));
  element("welcome-samples").append(button);
}
document.body.classList.add("is-empty");
document.body.classList.toggle("is-alone", Boolean(page.alone));
element("picker").accept = engine.accept;
element("view").classList.add("is-empty", "is-fit");
on("dismiss", "click", () => tell(""));
for (const id of ["open", "open-first"]) on(id, "click", () => element("picker").click());
on("open-folder", "click", () => element("folder-picker").click());
for (const id of ["picker", "folder-picker"]) {
  on(id, "change", ({ target }) => {
    const files = [...target.files];
    target.value = "";  // so that the same file can be chosen again
    return openFiles(files);
  });
}
on("samples", "change", async ({ target }) => {
  const name = target.value;
  target.value = "";
  if (name) await openSample(name);
});
on("files", "change", ({ target }) => showFile(Number(target.value)));
on("reset", "click", reset);
on("each", "change", ({ target }) => target.checked || forgetOthers());
on("layer", "change", () => changed(performance.now()));
on("wipe", "input", ({ target }) => {
  stage.wipe = Number(target.value);
  stage.draw();
});
for (const [id, isFit] of [["fit", true], ["full", false]]) {
  on(id, "click", () => {
    stage.zoomTo(isFit ? null : 1);
    if (!isFit) stage.scrollToFace();
  });
}
on("draw-box", "click", ({ target }) => {
  const isDrawing = element("view").classList.toggle("is-drawing");
  target.setAttribute("aria-pressed", String(isDrawing));
  if (isDrawing) say("Drag from the brows to below the chin.");
  stage.draw();
});
on("quit", "click", async () => {
  if (shot.isGoing && !(await confirmed("A shot is being rendered. Quit all the same? Frames that are done are kept.", "Quit"))) return;
  await post("quit", {});
  document.body.replaceChildren("reggan-plugin has stopped. You may close this page.");
  document.body.className = "is-over";
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    element("view")?.classList.toggle("is-target", kind === "dragover");
  });
}
document.addEventListener("drop", async ({ dataTransfer }) => openFiles(await filesOfDrop(dataTransfer)));

const KEYS = { 0: () => element("fit").click(), 1: () => element("full").click() };
document.addEventListener("keydown", (event) => {
  const { key, target, ctrlKey, metaKey, shiftKey } = event;
  const isTyping = target.matches("input:not([type=range], [type=checkbox])");
  if ((ctrlKey || metaKey) && !isTyping && "zy".includes(key.toLowerCase())) {
    event.preventDefault();
    return key.toLowerCase() === "y" || shiftKey ? history.redo() : history.undo();
  }
  if (target.matches("input:not([type=range]), select") || !open.frame || ctrlKey || metaKey) return;
  if (key.toLowerCase() === "b") seeBefore(true);
  else KEYS[key]?.();
});
document.addEventListener("keyup", ({ key }) => {
  if (key.toLowerCase() === "b" && open.frame) seeBefore(false);
});

/** Ask before something is lost. */
function confirmed(question, yes) {
  element("question").textContent = question;
  element("ask-yes").textContent = yes;
  element("ask").showModal();
  return new Promise((answer) => element("ask").addEventListener("close", () => answer(element("ask").returnValue === "yes"), { once: true }));
}

on("undo", "click", () => history.undo());
on("redo", "click", () => history.redo());
on("search", "input", ({ target }) => {
  const count = gallery.search(target.value);
  if (!count) say(`No expression is called ${target.value.trim()}.`);
});
element("tabs").addEventListener("click", remember);

function seeBefore(isHeld) {
  stage.wipe = isHeld ? 100 : Number(element("wipe").value);
  stage.draw();
}

for (const one of page.shots) listShot(one);
if (!page.alone) attempt(() => shot.watch(), true);
const before = kept();
if (before && page.shots.some(({ first, files }) => before.file >= first && before.file < first + files.length)) {
  const { face, own, others, each } = JSON.parse(before.state);
  open.face = face;
  element("each").checked = each;
  put(own);
  element("files").value = before.file;
  stage.wipe = before.wipe;
  element("wipe").value = before.wipe;
  stage.zoom = before.zoom;
  const ofKeys = before.keys && shots.find(({ first }) => first === before.keys.first);
  if (ofKeys) {
    timeline.open(ofKeys);
    timeline.setKeys(before.keys.all);
  }
  const tab = before.tab && element(before.tab);
  if (tab && !tab.hidden) tabs.show(tab);
  await showFile(before.file);
  open.others = new Map(others);
  history.begin();
  attempt(showOthers, true);
} else if (page.shots.length) await showFile(page.shots[0].first);
document.body.dataset.ready = "true";
remember();
