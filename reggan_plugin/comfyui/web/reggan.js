// Registers the panels of Expression Editor and Face Shapes with ComfyUI's front end.

import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { editorPanel } from "./editor.js";
import { shapeSliders } from "./shape_sliders.js";
import * as server from "./server.js";

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = new URL("./reggan.css", import.meta.url).href;
document.head.append(style);

const EDITOR = "RegganExpressionEditor", SHAPES = "RegganFaceShapes", CHANGE = "RegganChangeExpression";
const LAYERS = ["stmap", "gain", "paint"];
const widgetOf = (node, name) => node.widgets?.find((one) => one.name === name);

function hide(widget) {
  widget.hidden = true;
  widget.computeSize = () => [0, -4];
}

/** Calls `act` after a method of the node. */
function after(node, method, act) {
  const own = node[method];
  node[method] = function (...given) {
    const result = own?.apply(this, given);
    act(...given);
    return result;
  };
}

/** The picture that comes in: a file where it is a Load Image, else what the node saw last. */
function sourceOf(node) {
  const slot = node.inputs?.findIndex((one) => one.name === "image") ?? -1;
  const origin = slot < 0 ? null : node.getInputNode(slot);
  const file = origin?.comfyClass === "LoadImage" ? widgetOf(origin, "image")?.value : null;
  return file ? { file } : { node: String(node.id) };
}

function editor(node) {
  const change = widgetOf(node, "change");
  hide(change);
  const where = () => ({
    ...sourceOf(node),
    face: widgetOf(node, "face").value === "all" ? "largest" : widgetOf(node, "face").value,
    model: widgetOf(node, "model").value,
    device: widgetOf(node, "device").value,
  });
  const panel = editorPanel(where, (text) => {
    change.value = text;
    node.graph?.setDirtyCanvas(true);
  });
  node.addDOMWidget("editor", "reggan", panel.root, { serialize: false, hideOnZoom: false, getMinHeight: () => 560 });
  node.setSize([Math.max(node.size[0], 420), Math.max(node.size[1], 900)]);
  for (const name of ["face", "model", "device"]) after(widgetOf(node, name), "callback", () => panel.look());
  after(node, "onConfigure", () => { panel.show(change.value); setTimeout(panel.look); });
  after(node, "onConnectionsChange", () => setTimeout(panel.look));
  after(node, "onExecuted", () => panel.look());
  const ended = () => panel.look();
  api.addEventListener("execution_success", ended);
  const files = setInterval(() => node.graph && sourceOf(node).file && panel.look(), 1500); // another file may be chosen
  after(node, "onRemoved", () => { api.removeEventListener("execution_success", ended); clearInterval(files); });
  panel.look();
}

async function faceShapes(node) {
  const shapes = widgetOf(node, "shapes");
  hide(shapes);
  const root = document.createElement("div");
  root.className = "reggan";
  root.innerHTML = '<div class="reggan-row"><input type="search" placeholder="Search…" aria-label="Search shapes">' +
    '<label title="Move left and right together"><input type="checkbox" checked>both sides</label><button type="button">Reset</button></div>' +
    '<div class="reggan-scroll"></div>';
  for (const type of ["wheel", "pointerdown", "keydown"]) root.addEventListener(type, (event) => event.stopPropagation());
  node.addDOMWidget("sliders", "reggan", root, { serialize: false, hideOnZoom: false, getMinHeight: () => 360 });
  node.setSize([Math.max(node.size[0], 340), Math.max(node.size[1], 520)]);
  const [search, both, reset] = ["[type=search]", "[type=checkbox]", "button"].map((one) => root.querySelector(one));
  const read = () => { try { return JSON.parse(shapes.value); } catch { return {}; } };
  const write = (weights) => {
    shapes.value = JSON.stringify(Object.fromEntries(Object.entries(weights).filter(([, weight]) => weight)));
    sliders.show(read());
    node.graph?.setDirtyCanvas(true);
  };
  const found = await server.words({});
  const sliders = shapeSliders(root.lastElementChild, found.shapes, (moved) => write({ ...read(), ...moved }), () => both.checked);
  sliders.show(read());
  search.addEventListener("input", () => sliders.search(search.value.trim().toLowerCase().replaceAll(" ", "")));
  reset.addEventListener("click", () => write({}));
  after(node, "onConfigure", () => sliders.show(read()));
}

/** Whoever connects a layer wants it filled. */
function layersFollow(node) {
  after(node, "onConnectionsChange", (side, slot, isConnected) => {
    if (side === 2 && isConnected && LAYERS.includes(node.outputs[slot]?.name)) widgetOf(node, "layers").value = true;
  });
}

app.registerExtension({
  name: "reggan.nodes",
  nodeCreated(node) {
    if (node.comfyClass === EDITOR) editor(node);
    if (node.comfyClass === SHAPES) faceShapes(node);
    if (node.comfyClass === CHANGE) layersFollow(node);
  },
});
