// Sliders of face shapes in groups; both sides move together where that is asked for.

/** "mouthSmileLeft" -> "smile left": the group's heading says the rest. */
const spoken = (name, group) => {
  const words = name.replace(/([A-Z])/g, " $1").toLowerCase().split(" ");
  return (group === "Cheeks and nose" ? words : words.slice(1)).join(" ");
};

const otherSide = (name) =>
  name.endsWith("Left") ? name.slice(0, -4) + "Right" : name.endsWith("Right") ? name.slice(0, -5) + "Left" : null;

/**
 * Builds sliders in `root`.
 *   groups   [{group, names}]
 *   moved    called with {name: weight} of what moved, and whether the move has ended
 *   linked   says whether both sides move together
 * Returns {show(weights), search(text)}.
 */
export function shapeSliders(root, groups, moved, linked) {
  root.classList.add("reggan-shapes");
  const sliders = new Map();
  const all = new Set(groups.flatMap((one) => one.names));
  for (const { group, names } of groups) {
    const box = document.createElement("details");
    const title = document.createElement("summary");
    title.textContent = group;
    box.open = true;
    box.append(title);
    for (const name of names) box.append(slider(name, group));
    root.append(box);
  }

  function slider(name, group) {
    const row = document.createElement("div");
    row.className = "reggan-shape";
    row.title = name;
    const label = document.createElement("label");
    const range = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 1.5, step: 0.01, value: 0 });
    const shown = document.createElement("output");
    label.textContent = spoken(name, group);
    range.setAttribute("aria-label", name);
    const tell = (ended) => {
      const change = { [name]: Number(range.value) };
      const other = otherSide(name);
      // jawLeft and mouthLeft say where to; there both sides at once would be no motion
      if (linked() && other && all.has(other) && !/^(jaw|mouth)(Left|Right)$/.test(name)) change[other] = change[name];
      moved(change, ended);
    };
    range.addEventListener("input", () => tell(false));
    range.addEventListener("change", () => tell(true));
    range.addEventListener("dblclick", () => { range.value = 0; tell(true); });
    row.append(label, range, shown);
    sliders.set(name, { row, range, shown });
    return row;
  }

  return {
    show(weights) {
      for (const [name, { range, shown }] of sliders) {
        const weight = weights[name] ?? 0;
        range.value = weight;
        shown.textContent = weight ? weight.toFixed(2) : "";
      }
    },
    search(text) {
      for (const [name, { row }] of sliders) row.hidden = !name.toLowerCase().includes(text), row.style.display = row.hidden ? "none" : "";
    },
  };
}
