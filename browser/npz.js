// Files of NumPy: an archive of arrays, read without a library. Browsers unpack it themselves.

/** The arrays of a .npz by name: { shape, data }, with numbers of their own kind, or strings. */
export async function readNpz(bytes) {
  const view = new DataView(bytes);
  let end = bytes.byteLength - 22;
  while (view.getUint32(end, true) !== 0x06054b50) end--;  // the directory's end, after which a comment may stand
  const arrays = {};
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left; left--) {
    const [packed, named, extra, note] = [[20, 4], [28, 2], [30, 2], [32, 2]].map(([from, size]) =>
      (size === 4 ? view.getUint32(at + from, true) : view.getUint16(at + from, true)));
    const name = new TextDecoder().decode(new Uint8Array(bytes, at + 46, named));
    const own = view.getUint32(at + 42, true);
    const start = own + 30 + view.getUint16(own + 26, true) + view.getUint16(own + 28, true);
    const part = new Blob([new Uint8Array(bytes, start, packed)]).stream();
    const isPacked = view.getUint16(at + 10, true) === 8;
    const whole = new Response(isPacked ? part.pipeThrough(new DecompressionStream("deflate-raw")) : part);
    arrays[name.replace(/\.npy$/, "")] = readNpy(await whole.arrayBuffer());
    at += 46 + named + extra + note;
  }
  return arrays;
}

const KINDS = { "<f4": Float32Array, "<f8": Float64Array, "<i2": Int16Array, "<u2": Uint16Array, "|u1": Uint8Array };

function readNpy(bytes) {
  const size = new DataView(bytes).getUint16(8, true);
  const header = new TextDecoder().decode(new Uint8Array(bytes, 10, size));
  const kind = header.match(/'descr': '(.+?)'/)[1];
  const shape = header.match(/\((.*?)\)/)[1].split(",").filter((one) => one.trim()).map(Number);
  const body = bytes.slice(10 + size);
  if (KINDS[kind]) return { shape, data: new KINDS[kind](body) };
  if (kind === "<f2") return { shape, data: Float32Array.from(new Uint16Array(body), fromHalf) };
  const letters = Number(kind.slice(2));  // "<U19": four bytes a letter, zeros after the last
  const strings = Array.from({ length: shape[0] }, (_, row) =>
    String.fromCodePoint(...new Uint32Array(body, 4 * letters * row, letters)).replace(/\0+$/, ""));
  return { shape, data: strings };
}

function fromHalf(bits) {
  const [sign, power, rest] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (power ? 2 ** (power - 15) * (1 + rest / 1024) : 2 ** -24 * rest);
}
