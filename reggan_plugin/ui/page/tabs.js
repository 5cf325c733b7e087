// Tabs: one panel is shown; arrow keys go from tab to tab. Source: W3C, ARIA Authoring Practices.

export class Tabs {
  constructor(list) {
    this.list = list;
    list.addEventListener("click", ({ target }) => {
      if (target.role === "tab") this.show(target);
    });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const tabs = this.#tabs();
      const next = tabs.at((tabs.indexOf(event.target) + step) % tabs.length);
      event.preventDefault();
      this.show(next);
      next.focus();
    });
    this.show(this.#tabs()[0]);
  }

  #tabs() {
    return [...this.list.children].filter((tab) => tab.checkVisibility());
  }

  show(chosen) {
    for (const tab of this.list.children) {
      const isChosen = tab === chosen;
      tab.ariaSelected = String(isChosen);
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
    }
  }
}
