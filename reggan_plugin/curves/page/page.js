"use strict";
const take = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const first = take.times[0];
const length = take.times[take.times.length - 1] - first;
const across = (time) => (length ? (1000 * (time - first)) / length : 500);
let row = 0;

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function text(name, content) {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}

function curve(column) {
  const made = document.createElement("div");
  made.className = "curve";
  const top = Math.max(1000, ...column.values);
  const points = column.values.map((value, at) => `${across(take.times[at])} ${top - value}`);
  const plot = svg("svg", { viewBox: `0 0 1000 ${top}`, preserveAspectRatio: "none" });
  const mark = svg("line", { x1: 0, x2: 0, y1: 0, y2: top });
  plot.append(svg("path", { d: `M${points.join("L")}` }), mark);
  const said = document.createElement("span");
  const now = text("em", "");
  said.append(now, `  least ${column.least}  mean ${column.mean}  most ${column.most}`);
  made.append(text("b", column.name), plot, said);
  byId("curves").append(made);
  return { plot, mark, now, values: column.values };
}

function show(at) {
  row = Math.min(Math.max(at, 0), take.times.length - 1);
  const x = across(take.times[row]);
  for (const one of drawn) {
    one.mark.setAttribute("x1", x);
    one.mark.setAttribute("x2", x);
    one.now.textContent = (one.values[row] / 1000).toFixed(3);
  }
  const frame = take.frames ? `, frame ${take.frames[row]}` : "";
  const seconds = (take.times[row] - first).toFixed(3);
  byId("at").textContent = `Row ${row * take.step + 1} of ${take.rows}, ${seconds} s${frame}`;
}

function nearest(x, plot) {
  const box = plot.getBoundingClientRect();
  const wanted = first + (length * (x - box.left)) / box.width;
  let [low, high] = [0, take.times.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (take.times[middle] < wanted) low = middle;
    else high = middle;
  }
  return wanted - take.times[low] < take.times[high] - wanted ? low : high;
}

document.title = take.name;
byId("title").textContent = take.name;
byId("facts").textContent = take.facts;
byId("notes").append(...take.notes.map((note) => text("li", note)));
if (take.still.length) byId("still").textContent = `0 throughout: ${take.still.join(", ")}`;
const drawn = take.columns.map(curve);
byId("curves").addEventListener("pointermove", (event) => show(nearest(event.clientX, drawn[0].plot)));
byId("curves").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  show(row + step);
});
