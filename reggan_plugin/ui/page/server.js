// Requests to the program that serves this page. All addresses are relative, behind its token.

const GONE = "The program that serves this page has stopped. Start it again: reggan-plugin ui.";

export class Refused extends Error {
  constructor(message, kind) {
    super(message);
    this.kind = kind;
  }
}

async function answered(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Refused(GONE, "gone");
  }
  if (response.ok) return response;
  if (response.status === 403) throw new Refused(GONE, "gone");
  const { message, kind } = await response.json().catch(() => ({ message: response.statusText }));
  throw new Refused(message, kind);
}

export async function get(address) {
  return (await answered(address)).json();
}

export function post(address, body) {
  return answered(address, { method: "POST", body: JSON.stringify(body) });
}

export function put(address, file) {
  return answered(address, { method: "PUT", body: file });
}

export async function upload(file, drop) {
  const query = new URLSearchParams({ drop, name: file.name });
  await put(`upload?${query}`, file);
}

/** A frame as a bitmap, exposed for a face. */
export async function picture(file, face) {
  const query = new URLSearchParams({ file, face: JSON.stringify(face) });
  return createImageBitmap(await (await answered(`picture?${query}`)).blob());
}

/** The changed face: { x, y, factor, width, height, share, image }, or null if outdated. */
export async function changedFace(body) {
  const response = await post("change", body);
  if (response.status === 204) return null;
  const bytes = new Uint8Array(await response.arrayBuffer());
  const end = bytes.indexOf(10);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const levels = new Uint8ClampedArray(bytes.buffer, end + 1);
  return { ...head, image: new ImageData(levels, head.width, head.height) };
}

/** Give the browser a file to save, under the name that the program says. */
export async function download(address, body) {
  const response = await post(address, body);
  const said = response.headers.get("content-disposition") ?? "";
  const name = decodeURIComponent(said.split("UTF-8''")[1] ?? "frame");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return name;
}

/** Runs one request at a time; of those that wait, only the last is run. */
export class Latest {
  #running = false;
  #next = null;

  async run(work) {
    this.#next = work;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#next) {
        const now = this.#next;
        this.#next = null;
        await now();
      }
    } finally {
      this.#running = false;
    }
  }

  get isBusy() {
    return this.#running;
  }
}
