// Steps back and forth through what was asked for, and what a reload finds again.

/** Snapshots as JSON; `read` gives the state now, `write` shows another one. */
export class History {
  constructor(read, write, onChange) {
    Object.assign(this, { read, write, onChange, past: [], future: [], now: read() });
  }

  /** A move has ended: remember what was before it, if anything differs; true if so. */
  step() {
    const now = this.read();
    if (now === this.now) return false;
    this.past.push(this.now);
    this.future = [];
    this.now = now;
    this.onChange(this);
    return true;
  }

  /** Another frame of a shot with keys is shown: nothing was done, and what was can be undone. */
  follow() {
    this.now = this.read();
  }

  /** Begin anew, as another frame is shown. */
  begin() {
    Object.assign(this, { past: [], future: [], now: this.read() });
    this.onChange(this);
  }

  undo() {
    this.#go(this.past, this.future);
  }

  redo() {
    this.#go(this.future, this.past);
  }

  #go(from, to) {
    if (!from.length) return;
    to.push(this.now);
    this.now = from.pop();
    this.write(this.now);
    this.onChange(this);
  }
}

const KEY = "reggan-plugin";

/** What the tab showed before it was loaded again; another start of the program knows nothing of it. */
export function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY));
    return found?.page === location.pathname ? found : null;
  } catch {
    return null;
  }
}

export function keep(state) {
  sessionStorage.setItem(KEY, JSON.stringify({ ...state, page: location.pathname }));
}
