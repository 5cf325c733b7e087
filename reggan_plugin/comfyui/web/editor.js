// The panel inside the node Expression Editor: a live picture, small faces, sliders.

import { shapeSliders } from "./shape_sliders.js";
import * as server from "./server.js";

const NOTHING = { weights: {}, intensity: 1, adds: false };
const PICTURE_PX = 640, DRAFT_PX = 320;
const SETTLE_MS = 200; // after the last move the small faces go on

const element = (tag, of = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), of);
  made.append(...children);
  return made;
};

/**
 * Builds the panel.
 *   where    returns what a request says about the picture: {file} or {node}, {face, model, device}
 *   changed  is called with the change as JSON, whenever it differs
 * Returns {root, show(text), look()}.
 */
export function editorPanel(where, changed) {
  let now = structuredClone(NOTHING);
  let past = [], future = [];
  let source = "", place = 0, expressions = [], thumbs = new Map(), sliders = null, wipe = 0;

  const before = element("img", { alt: "The picture before" });
  const after = element("img", { alt: "The picture with the expression" });
  const handle = element("div", { className: "reggan-handle", hidden: true });
  const said = element("p", { textContent: "Connect a picture." });
  said.setAttribute("role", "status");
  const stage = element("div", { className: "reggan-stage", title: "Drag: before and after", tabIndex: 0 }, after, before, handle, said);
  stage.setAttribute("role", "slider");
  stage.setAttribute("aria-label", "Before and after");
  stage.setAttribute("aria-valuemin", 0);
  stage.setAttribute("aria-valuemax", 100);

  const button = (text, title, act) => element("button", { type: "button", textContent: text, title, onclick: act });
  const undo = button("↶", "Undo (Ctrl+Z)", () => step(past, future));
  const redo = button("↷", "Redo (Ctrl+Shift+Z)", () => step(future, past));
  const reset = button("Reset", "No expression", () => set(structuredClone(NOTHING), true));
  undo.setAttribute("aria-label", "Undo");
  redo.setAttribute("aria-label", "Redo");
  const intensity = element("input", { type: "range", min: 0, max: 1.5, step: 0.01, value: 1 });
  intensity.setAttribute("aria-label", "Intensity");
  const amount = element("output");
  const adds = element("input", { type: "checkbox" });
  const frames = element("input", { type: "range", min: 0, max: 0, value: 0 });
  frames.setAttribute("aria-label", "Picture of the batch");
  const frameSaid = element("output");
  const frameRow = element("div", { className: "reggan-row", hidden: true }, element("span", { textContent: "Picture" }), frames, frameSaid);
  const search = element("input", { type: "search", placeholder: "Search…" });
  search.setAttribute("aria-label", "Search expressions and shapes");
  const linked = element("input", { type: "checkbox", checked: true });
  const tiles = element("div", { className: "reggan-tiles reggan-scroll" });
  const shapes = element("div", { className: "reggan-scroll", hidden: true });
  const faces = button("Faces", "Expressions on this face", () => tab(true));
  const shapesTab = button("Shapes", "Single face shapes", () => tab(false));
  const sides = element("label", { hidden: true, title: "Move left and right together" }, linked, "both sides");

  const root = element("div", { className: "reggan" }, stage, frameRow,
    element("div", { className: "reggan-row" }, element("span", { textContent: "Intensity" }), intensity, amount,
      element("label", { title: "Lay named expressions over what the face shows" }, adds, "add"), undo, redo, reset),
    element("div", { className: "reggan-row" }, faces, shapesTab, search, sides), tiles, shapes);
  for (const type of ["wheel", "pointerdown", "keydown"]) root.addEventListener(type, (event) => event.stopPropagation());
  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || !["z", "y"].includes(event.key.toLowerCase()) || event.target === search) return;
    event.preventDefault();
    event.key.toLowerCase() === "y" || event.shiftKey ? step(future, past) : step(past, future);
  });

  function tab(isFaces) {
    tiles.hidden = !isFaces;
    tiles.style.display = isFaces ? "" : "none";
    shapes.hidden = isFaces;
    sides.hidden = isFaces;
    sides.style.display = isFaces ? "none" : "";
    faces.setAttribute("aria-pressed", isFaces);
    shapesTab.setAttribute("aria-pressed", !isFaces);
  }

  // --- the change, and its history

  let begun = null; // as it was before a slider began to move
  function set(next, ended) {
    begun ??= JSON.stringify(now);
    now = next;
    now.weights = Object.fromEntries(Object.entries(now.weights).filter(([, weight]) => weight));
    if (ended) {
      if (begun !== JSON.stringify(now)) { past.push(begun); future = []; }
      begun = null;
    }
    draw();
    changed(JSON.stringify(now));
    live();
  }

  function step(from, to) {
    if (!from.length) return;
    to.push(JSON.stringify(now));
    now = JSON.parse(from.pop());
    draw();
    changed(JSON.stringify(now));
    live();
  }

  function draw() {
    intensity.value = now.intensity;
    amount.textContent = now.intensity.toFixed(2);
    adds.checked = now.adds;
    undo.disabled = !past.length;
    redo.disabled = !future.length;
    sliders?.show(now.weights);
    for (const tile of tiles.querySelectorAll("button")) tile.setAttribute("aria-pressed", tile.dataset.name in now.weights);
  }

  intensity.addEventListener("input", () => set({ ...now, intensity: Number(intensity.value) }, false));
  intensity.addEventListener("change", () => set({ ...now, intensity: Number(intensity.value) }, true));
  adds.addEventListener("change", () => set({ ...now, adds: adds.checked }, true));

  function choose(name, blends) {
    const isShape = (one) => !expressions.some((known) => known.name === one);
    const kept = Object.fromEntries(Object.entries(now.weights).filter(([one]) => isShape(one) || (blends && one !== name)));
    if (name in now.weights) { set({ ...now, weights: kept }, true); return; }
    const others = Object.keys(kept).filter((one) => !isShape(one));
    if (blends) for (const one of others) kept[one] = Math.round(100 * kept[one] * others.length / (others.length + 1)) / 100;
    kept[name] = blends && others.length ? Math.round(100 / (others.length + 1)) / 100 : 1;
    set({ ...now, weights: kept }, true);
  }

  // --- pictures: one request at a time, always for the newest state

  const asked = (change) => ({ ...where(), place, change, longest: PICTURE_PX });
  let isAsking = false, isStale = false, quietSince = 0;
  async function live() {
    quietSince = performance.now();
    if (isAsking) { isStale = true; return; }
    isAsking = true;
    try {
      do {
        isStale = false;
        const isMoving = begun !== null; // a draft while a slider moves, the whole at rest
        put(after, await server.picture({ ...asked(now), draft: isMoving, longest: isMoving ? DRAFT_PX : PICTURE_PX }));
        said.textContent = "";
      } while (isStale);
    } catch (error) {
      said.textContent = error.message;
    } finally {
      isAsking = false;
      quietSince = performance.now();
      fill();
    }
  }

  function put(image, address) {
    const old = image.src;
    image.src = address;
    image.addEventListener("load", () => old && URL.revokeObjectURL(old), { once: true });
  }

  function showWipe() {
    before.style.clipPath = `inset(0 ${100 - wipe}% 0 0)`;
    handle.style.left = `${wipe}%`;
    handle.hidden = !before.src;
    stage.setAttribute("aria-valuenow", Math.round(wipe));
  }
  const wipeTo = (event) => {
    const box = stage.getBoundingClientRect();
    wipe = Math.min(100, Math.max(0, (100 * (event.clientX - box.left)) / box.width));
    showWipe();
  };
  stage.addEventListener("pointerdown", (event) => { stage.setPointerCapture(event.pointerId); wipeTo(event); });
  stage.addEventListener("pointermove", (event) => { if (event.buttons & 1) wipeTo(event); });
  stage.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -5, ArrowRight: 5 }[event.key];
    if (by) { wipe = Math.min(100, Math.max(0, wipe + by)); showWipe(); }
  });

  // --- small faces, as they come into sight, while nothing else is asked

  const waiting = new Set();
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) isIntersecting ? waiting.add(target) : waiting.delete(target);
    fill();
  }, { root: tiles });
  let isFilling = false;
  async function fill() {
    if (isFilling) return;
    isFilling = true;
    try {
      while (waiting.size && source) {
        if (isAsking || performance.now() - quietSince < SETTLE_MS) { await new Promise((done) => setTimeout(done, SETTLE_MS)); continue; }
        const [tile] = waiting;
        waiting.delete(tile);
        const { name } = tile.dataset, of = source;
        if (tile.dataset.of === of) continue;
        const change = { weights: { [name]: 1 }, intensity: 1, adds: false };
        const address = thumbs.get(name) ?? await server.thumbnail(asked(change));
        if (of !== source) { URL.revokeObjectURL(address); waiting.add(tile); continue; }
        thumbs.set(name, address);
        tile.querySelector("img").src = address;
        tile.dataset.of = of;
      }
    } catch { /* the picture's own request says what is wrong */ } finally { isFilling = false; }
  }

  search.addEventListener("input", () => {
    const text = search.value.trim().toLowerCase();
    for (const tile of tiles.children) {
      const isShown = tile.tagName === "BUTTON" ? tile.dataset.name.includes(text) : !text;
      tile.style.display = isShown ? "" : "none";
    }
    sliders?.search(text.replaceAll(" ", ""));
  });

  function buildWords(found) {
    expressions = found.expressions;
    tiles.replaceChildren();
    let group = "";
    for (const { name, group: own } of expressions) {
      if (own !== group) tiles.append(element("h4", { textContent: (group = own) }));
      const tile = element("button", { type: "button", title: `${name} (Shift: blend)` },
        element("img", { alt: "" }), element("span", { textContent: name }));
      tile.dataset.name = name;
      tile.addEventListener("click", (event) => choose(name, event.shiftKey));
      tiles.append(tile);
      seen.observe(tile);
    }
    shapes.replaceChildren();
    sliders = shapeSliders(shapes, found.shapes, (moved, ended) => set({ ...now, weights: { ...now.weights, ...moved } }, ended), () => linked.checked);
  }

  // --- where the picture comes from

  let model = "";
  async function look() {
    const asks = where();
    try {
      if (model !== asks.model) { buildWords(await server.words(asks)); model = asks.model; draw(); }
      const { places, run } = await server.places(asks);
      const key = JSON.stringify([asks, run, place]);
      if (!places.length) {
        source = "";
        said.textContent = "Queue the workflow once: then the picture is here, and follows each move.";
        return;
      }
      frameRow.hidden = places.length < 2;
      frameRow.style.display = frameRow.hidden ? "none" : "";
      frames.max = places.length - 1;
      if (!places.includes(place)) place = places[0];
      frames.onchange = () => { place = places[frames.value]; look(); };
      frameSaid.textContent = `${place + 1}`;
      if (key === source) return;
      source = key;
      for (const address of thumbs.values()) URL.revokeObjectURL(address);
      thumbs = new Map();
      for (const tile of tiles.querySelectorAll("button")) { seen.unobserve(tile); seen.observe(tile); }
      live();
      put(before, await server.picture(asked(NOTHING)));
      showWipe();
    } catch (error) {
      source = "";
      said.textContent = error.message;
    }
  }

  tab(true);
  frameRow.style.display = "none";
  showWipe();
  draw();
  return {
    root,
    look,
    show(text) {
      try { now = { ...structuredClone(NOTHING), ...JSON.parse(text) }; } catch { now = structuredClone(NOTHING); }
      past = []; future = []; begun = null;
      draw();
      if (source) live();
    },
  };
}
