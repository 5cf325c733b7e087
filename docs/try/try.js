// The page: a picture, four clicks on the face, sliders, a file to save.

import { cropFromPoints, sortedPoints } from "./crop.js";
import { Model, planesOf } from "./model.js";

const ASK = ["one eye", "the other eye", "one corner of the mouth", "its other corner"];
const MOST_PX = 4096;
const element = (id) => document.getElementById(id);
const canvas = element("canvas");
const context = canvas.getContext("2d");
const state = { frame: null, image: null, crop: null, face: null, points: [], running: false, again: false };
let model = null;

const say = (text) => (element("status").textContent = text);

function ask() {
  Object.assign(state, { crop: null, face: null, points: [] });
  canvas.classList.add("is-asking");
  context.putImageData(state.image, 0, 0);
  say(`Click on ${ASK[0]}.`);
}

async function open(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const scale = Math.min(1, MOST_PX / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  context.fillStyle = "#808080";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  Object.assign(state, { crop: null, face: null, points: [] });
  canvas.classList.remove("is-asking");
  state.image = context.getImageData(0, 0, canvas.width, canvas.height);
  state.frame = planesOf(state.image);
  canvas.setAttribute("aria-label", file.name);
  await find();
  for (const id of ["again", "reset", "save"]) element(id).disabled = false;
}

/** The largest face, if the locator sees one; else it is asked for. */
async function find() {
  say("Looking for the face…");
  await new Promise((painted) => setTimeout(painted, 30));
  const [face] = await model.locator.locate(state.frame);
  if (!face) return ask();
  setCrop([face[0], face[1], face[3], face[4]]);
  if (Object.values(weights()).some((weight) => weight)) return render();
  say("The face was found. Move a slider.");
}

/** The face is where its eyes and the corners of its mouth are, its own left first. */
function setCrop(points) {
  const { canonical_landmarks: canonical, image_size_px: side } = model.card;
  Object.assign(state, { points, face: null, crop: cropFromPoints(points, canonical, side) });
}

function place(x, y) {
  state.points.push([x, y]);
  if (state.points.length < ASK.length) return say(`Click on ${ASK[state.points.length]}.`);
  canvas.classList.remove("is-asking");
  setCrop(sortedPoints(state.points));
  return render();
}

const dials = () => [...document.querySelectorAll(".dial input")];

function weights() {
  return Object.fromEntries(dials().map((dial) => [dial.name, Number(dial.value)]));
}

function reset() {
  for (const dial of dials()) {
    dial.value = 0;
    dial.nextElementSibling.value = "";
  }
  return render();
}

/** Of several requests while one is computed, only the last is computed. */
async function render() {
  state.again = true;
  if (state.running || !state.crop) return;
  state.running = true;
  try {
    while (state.again) {
      state.again = false;
      const begin = performance.now();
      const { frame, crop } = state;
      const face = state.face ?? (await model.open(frame, crop));
      if (state.crop !== crop) {  // another picture, or place, came in between
        state.again = state.crop !== null;
        continue;
      }
      state.face = face;
      const changed = model.change(face, weights());
      context.putImageData(state.image, 0, 0);
      context.drawImage(changed, face.region.left, face.region.top);
      say(`Changed in ${Math.round(performance.now() - begin)} ms.`);
    }
  } catch (error) {
    say(`This failed: ${error.message}`);
  } finally {
    state.running = false;
  }
}

function addDial(name) {
  const label = document.createElement("label");
  label.className = "dial";
  const dial = Object.assign(document.createElement("input"),
    { type: "range", min: 0, max: 1.5, step: 0.01, value: 0, name });
  const output = document.createElement("output");
  dial.addEventListener("input", () => {
    output.value = `${Math.round(dial.value * 100)} %`;
    render();
  });
  label.append(name, dial, output);
  element(model.card.controls?.includes(name) && name !== "neutral" ? "shapes" : "dials").append(label);
}

function openFirst(files) {
  if (files[0] && model) open(files[0]).catch(() => say("This picture cannot be read."));
}

element("picker").addEventListener("change", ({ target }) => openFirst(target.files));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("is-target", kind === "dragover");
    if (kind === "drop") openFirst(event.dataTransfer.files);
  });
}
element("again").addEventListener("click", ask);
element("reset").addEventListener("click", reset);
element("save").addEventListener("click", () => canvas.toBlob((blob) => {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: "changed.png" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}));
canvas.addEventListener("click", (event) => {
  if (!state.frame || state.crop || !model) return;
  const rect = canvas.getBoundingClientRect();
  const scale = canvas.width / rect.width;
  place((event.clientX - rect.left) * scale, (event.clientY - rect.top) * scale);
});

try {
  model = await Model.load();
  Object.keys(model.expressions).forEach(addDial);
  say("Choose a picture with a face, or drop one here.");
  element("picker").disabled = false;
  document.body.dataset.ready = "true";
} catch (error) {
  say(`The model cannot be loaded: ${error.message}`);
}
window.tryPage = { place, render, state, model };  // for tests and the curious
