"use strict";
const shot = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function view(uri, label) {
  if (!uri) return element("span", `no ${label}`);
  const image = element("img");
  image.src = uri;
  image.alt = label;
  image.title = label;
  image.loading = "lazy";
  return image;
}

function card(frame, index) {
  const made = element("article");
  made.id = `frame-${index}`;
  if (frame.problems.some((problem) => shot.fatal.includes(problem))) made.className = "is-fatal";
  made.append(element("h2", frame.name));
  const views = element("div", undefined, "views");
  views.append(view(frame.before, "before"), view(frame.after, "after"));
  const tags = element("div", undefined, "tags");
  for (const problem of frame.problems) {
    const tag = element("b", problem);
    tag.dataset.problem = problem;
    tag.title = shot.problems[problem];
    tags.append(tag);
  }
  made.append(views, tags);
  if (frame.note) made.append(element("p", frame.note, "note"));
  made.append(element("p", frame.numbers.join(" · "), "numbers"));
  return made;
}

const BATCH = 300;
let chosen = [];
let drawn = [0, 0];

function drawBatch(begin, end) {
  const made = chosen.slice(begin, end).map((index) => card(shot.frames[index], index));
  if (begin >= drawn[1]) byId("frames").append(...made);
  else byId("frames").prepend(...made);
  drawn = [Math.min(begin, drawn[0]), Math.max(end, drawn[1])];
  const before = drawn[0];
  const after = chosen.length - drawn[1];
  byId("earlier").hidden = before <= 0;
  byId("later").hidden = after <= 0;
  byId("earlier").textContent = `${before} frames before`;
  byId("later").textContent = `${after} more frames`;
}

function drawFrom(place) {
  byId("frames").replaceChildren();
  drawn = [place, place];
  drawBatch(place, Math.min(place + BATCH, chosen.length));
}

function goTo(index) {
  show("all", Math.max(0, index - 20));
  const here = byId(`frame-${index}`);
  here.classList.add("is-here");
  here.scrollIntoView({ block: "start" });
}

function has(frame, choice) {
  if (choice === "all") return true;
  return choice === "any" ? frame.problems.length > 0 : frame.problems.includes(choice);
}

function show(choice, place = 0) {
  for (const button of byId("filters").children) {
    button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
  }
  chosen = [...shot.frames.keys()].filter((index) => has(shot.frames[index], choice));
  drawFrom(place);
}

function addFilter(choice, label, count, title) {
  const button = element("button", `${label} ${count}`);
  button.type = "button";
  button.dataset.choice = choice;
  button.disabled = count === 0;
  if (title) button.title = title;
  button.addEventListener("click", () => show(choice));
  byId("filters").append(button);
}

const MARKS = 1200;
const worst = Object.keys(shot.problems);

function buckets(most) {
  const size = Math.ceil(shot.frames.length / most);
  const starts = [];
  for (let begin = 0; begin < shot.frames.length; begin += size) starts.push(begin);
  const numbered = (frame, i) => [frame, i];
  const all = shot.frames.map(numbered);
  return starts.map((begin) => all.slice(begin, begin + size));
}

function rank([frame]) {
  return frame.problems.length ? worst.indexOf(frame.problems[0]) : worst.length;
}

function drawStrip() {
  byId("strip").classList.toggle("dense", shot.frames.length > 300);
  for (const bucket of buckets(MARKS)) {
    const [frame, index] = bucket.reduce((one, other) => (rank(other) < rank(one) ? other : one));
    const mark = element("i");
    if (frame.problems.length) mark.dataset.problem = frame.problems[0];
    mark.title = `${frame.name} ${frame.problems.join(", ")}`;
    mark.addEventListener("click", () => goTo(index));
    byId("strip").append(mark);
  }
}

function largest(bucket) {
  const values = bucket.map(([frame]) => frame.flicker).filter(Boolean);
  return values.length ? [0, 1].map((row) => Math.max(...values.map((value) => value[row]))) : null;
}

function drawGraph() {
  const values = buckets(4 * MARKS).map(largest);
  const highest = Math.max(2, ...values.flatMap((value) => (value ? value : [])));
  const graph = byId("graph");
  graph.setAttribute("viewBox", `0 0 ${values.length} 1`);
  ["picture", "change"].forEach((kind, row) => {
    let points = [];
    const flush = () => {
      if (points.length) {
        const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
        line.setAttribute("points", points.join(" "));
        line.setAttribute("class", kind);
        graph.append(line);
      }
      points = [];
    };
    values.forEach((value, index) => {
      if (!value) flush();
      else points.push(`${index + 0.5},${(1 - value[1 - row] / highest).toFixed(4)}`);
    });
    flush();
  });
  const legend = byId("legend");
  legend.append("Flicker in 8-bit levels, 0 to ", highest.toFixed(1), ": ");
  legend.append(element("b", "the change", "change"), " and ", element("b", "the picture itself"));
}

byId("title").textContent = shot.title;
document.title = shot.title;
byId("facts").textContent = shot.facts.join(" · ");
const counted = (choice) =>
  shot.frames.reduce((sum, one) => sum + (has(one, choice) ? one.count : 0), 0);
addFilter("all", "all", counted("all"));
addFilter("any", "with a problem", counted("any"));
for (const [problem, text] of Object.entries(shot.problems)) {
  addFilter(problem, problem, counted(problem), text);
}
drawStrip();
if (shot.frames.some((frame) => frame.flicker)) drawGraph();
else byId("graph").remove();
byId("earlier").addEventListener("click", () => drawBatch(Math.max(0, drawn[0] - BATCH), drawn[0]));
byId("later").addEventListener("click", () =>
  drawBatch(drawn[1], Math.min(drawn[1] + BATCH, chosen.length)));
const isLong = shot.frames.length > 1000 && shot.frames.some((frame) => frame.problems.length);
show(isLong ? "any" : "all");
