// Requests to the program that serves this page. All addresses are relative, behind its token.

const GONE = "The program that serves this page has stopped. Start it again: reggan-plugin ui.";
/** What browsers can decode, too. */
export const PICTURES = ".png,.jpg,.jpeg,.webp";

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

/** A file that the program makes: { name, content }. */
export async function made(address, body) {
  const response = await post(address, body);
  const said = response.headers.get("content-disposition") ?? "";
  const name = decodeURIComponent(said.split("UTF-8''")[1] ?? "frame");
  return { name, content: await response.blob() };
}

/** Changes faces for the page, as browser/page_without_server.js does where there is no program: choose_engine.js
 * chooses. `file` is a number, `face` a number, largest first, or { box }. */
export class Program {
  accept = `${PICTURES},.tif,.tiff,.exr,.tga,.bmp,.mp4,.m4v,.mov,.mkv,.webm,.gif,.glb,.vrm,.gltf,.bin,.obj,.mtl`;

  /** What model runs where, names of expressions and shapes, and what is open. */
  state() {
    return get("state");
  }

  /** Open a sample, or files that were given together; `say` tells how far that is. The answer is
   * a shot: { name, first, files }, the number of its first file and the names of all. */
  async sample(name) {
    return (await post("sample", { name })).json();
  }

  async open(files, say) {
    const drop = crypto.randomUUID().replaceAll("-", "");
    for (const [index, file] of files.entries()) {
      say(`Reading ${file.name} (${index + 1} of ${files.length})…`);
      await put(`upload?${new URLSearchParams({ drop, name: file.name })}`, file);
    }
    return (await post("opened", { drop })).json();
  }

  /** Size and faces of a frame: { width, height, factor, kind, notices, faces: [{ box, share }] }. */
  frame(file) {
    return get(`frame?file=${file}`);
  }

  /** A frame as an ImageBitmap, exposed for a face. */
  async picture(file, face) {
    const query = new URLSearchParams({ file, face: JSON.stringify(face) });
    return createImageBitmap(await (await answered(`picture?${query}`)).blob());
  }

  /** A small picture of a frame, as a file. */
  async small(file, longest) {
    return (await answered(`small?${new URLSearchParams({ file, longest })}`)).blob();
  }

  /** The changed face: { x, y, factor, width, height, share, arrows, image }, and `isDraft` where a
   * larger picture is better, too; null if another request of its `tab`, with a higher `order`, came
   * in between. */
  async change(body) {
    const response = await post("change", body);
    if (response.status === 204) return null;
    const bytes = new Uint8Array(await response.arrayBuffer());
    const end = bytes.indexOf(10);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    const levels = new Uint8ClampedArray(bytes.buffer, end + 1);
    return { ...head, image: new ImageData(levels, head.width, head.height) };
  }

  /** A small picture of a face with a change, as a file. */
  async thumbnail(body) {
    return (await post("thumbnail", body)).blob();
  }

  /** The whole frame with its changes, as a file to save: { name, content }. */
  save(body) {
    return made("save", body);
  }
}

/** Give the browser a file to save. */
export function download({ name, content }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
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
