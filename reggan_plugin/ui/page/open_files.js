// Files from drops and pickers: opened as a shot, a head or a take.

import { engine, state } from "./choose_engine.js";
import { Take } from "./take.js";

const HEAD = /\.(glb|vrm|gltf|obj)$/i;
const BESIDE = /\.(bin|mtl)$/i;

/** Files of a drop, those in folders too. */
export async function filesOfDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const files = entries.length ? [] : [...transfer.files];
  while (entries.length) {
    const entry = entries.shift();
    if (entry.isFile) files.push(await new Promise((done, fail) => entry.file(done, fail)));
    else {
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((done, fail) => reader.readEntries(done, fail));
        if (!some.length) break;
        entries.push(...some.filter((one) => one.isFile));
      }
    }
  }
  return files;
}

/** Open files that were given together; `say` tells how far that is. A GLB that is no head may be
 * a recorded performance. */
export async function openGiven(given, { say, openShot, take }) {
  const files = given.filter((file) => !file.name.startsWith("."));
  if (!files.length) return;
  const isHead = files.some((file) => HEAD.test(file.name));
  if (state.alone) return void (await openShot(await engine.open(files, say)));
  if (files.length === 1 && Take.is(files[0]) && !isHead) return void (await take.open(files[0]));
  const wanted = isHead ? files : files.filter((file) => !BESIDE.test(file.name));
  try {
    await openShot(await engine.open(wanted, say));
  } catch (error) {
    if (files.length > 1 || !isHead || !Take.is(files[0])) throw error;
    await take.open(files[0]).catch(() => { throw error; });
  }
}
