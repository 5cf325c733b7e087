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

function goTo(index) {
  show("all");
  document.querySelectorAll(".is-here").forEach((one) => one.classList.remove("is-here"));
  cards[index].classList.add("is-here");
  cards[index].scrollIntoView({ block: "start" });
}

function show(choice) {
  for (const button of byId("filters").children) {
    button.setAttribute("aria-pressed", String(button.dataset.choice === choice));
  }
  shot.frames.forEach((frame, index) => {
    const has = choice === "any" ? frame.problems.length > 0 : frame.problems.includes(choice);
    cards[index].hidden = choice !== "all" && !has;
  });
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

function drawStrip() {
  byId("strip").classList.toggle("dense", shot.frames.length > 300);
  shot.frames.forEach((frame, index) => {
    const mark = element("i");
    if (frame.problems.length) mark.dataset.problem = frame.problems[0];
    mark.title = `${frame.name} ${frame.problems.join(", ")}`;
    mark.addEventListener("click", () => goTo(index));
    byId("strip").append(mark);
  });
}

function drawGraph() {
  const values = shot.frames.map((frame) => frame.flicker);
  const highest = Math.max(2, ...values.flatMap((value) => (value ? value : [])));
  const graph = byId("graph");
  graph.setAttribute("viewBox", `0 0 ${shot.frames.length} 1`);
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
const cards = shot.frames.map(card);
byId("frames").append(...cards);
const counted = (problem) => shot.frames.filter((one) => one.problems.includes(problem)).length;
addFilter("all", "all", shot.frames.length);
addFilter("any", "with a problem", shot.frames.filter((one) => one.problems.length).length);
for (const [problem, text] of Object.entries(shot.problems)) {
  addFilter(problem, problem, counted(problem), text);
}
drawStrip();
if (shot.frames.some((frame) => frame.flicker)) drawGraph();
else byId("graph").remove();
show("all");
