// A face drawn as a game engine draws it, with WebGL 2: the picture is a texture, the mesh's vertices
// lie where the face moves to, and their texture coordinates are where it was.
// A vertex: place x, y (parts of the crop's side) and nearness (eye distances); x, y of its place in
// the source; four more numbers; a normal. Nothing is drawn where nothing changes.
import { eyes as ofEyes, skin_motion } from "./constants.js";

const VERTEX = `#version 300 es
layout(location = 0) in vec3 place;
layout(location = 1) in vec2 source;
layout(location = 2) in vec4 extra;
layout(location = 3) in vec3 normal;
uniform mat3 clipFromCrop;
out vec2 now, was;
out vec4 more;
out vec3 facing;
void main() {
  now = place.xy;
  was = source;
  more = extra;
  facing = normal;
  gl_Position = vec4((clipFromCrop * vec3(place.xy, 1)).xy, -place.z / 8.0, 1);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec2 now, was;
in vec4 more;
in vec3 facing;
uniform mat3 frameFromCrop;
uniform sampler2D frame, other;
uniform vec4 square;  // of the other texture: left, top, side in the crop; of an eyeball: an eye distance along the face's down, in numbers its other part
uniform vec4 numbers;
out vec4 result;
vec3 fromSrgb(vec3 v) { return mix(v / 12.92, pow((v + 0.055) / 1.055, vec3(2.4)), step(0.04045, v)); }
vec3 toSrgb(vec3 v) {
  v = clamp(v, 0.0, 1.0);
  return mix(v * 12.92, 1.055 * pow(v, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, v));
}
vec3 ofFrame(vec2 place) { return texture(frame, (frameFromCrop * vec3(place, 1)).xy, -0.5).rgb; }
float room(vec3 colour) {  // for another light
  return clamp((1.0 - max(colour.r, max(colour.g, colour.b))) / ${skin_motion.ROOM.toFixed(4)}, 0.0, 1.0);
}
vec4 ofOther(vec2 place) { return texture(other, (place - square.xy) / square.z); }
`;

const SKIN = `uniform sampler2D gain;
uniform vec2 chin[7];
float shadow() {  // of the chin on what is behind it; numbers: how dark, its reach down, inwards, and up
  float edge = 2.0;
  for (int i = 0; i < 6; i++) {
    float share = (now.x - chin[i].x) / (chin[i + 1].x - chin[i].x);
    if (share >= 0.0 && share <= 1.0) edge = mix(chin[i].y, chin[i + 1].y, share);
  }
  float under = now.y - edge, inwards = min(now.x - chin[0].x, chin[6].x - now.x);
  if (more.z >= 0.0 || under < -numbers.w) return 0.0;
  return numbers.x * exp(-max(under, 0.0) / numbers.y) * clamp(inwards / numbers.z, 0.0, 1.0);
}
void main() {  // more: logarithm of the factor on the light, how much the plane of it counts, nearness to the chin
  vec3 own = ofFrame(was);
  float light = room(own) * (more.x + more.y * texture(gain, was).r) + log(1.0 - shadow());
  float share = max(distance(now, was) / 0.002, abs(light) / 0.02);
  share = smoothstep(0.25, 1.0, share);  // less is noise, and the pixel keeps its bits
  result = vec4(toSrgb(fromSrgb(own) * exp(light)), 1) * share;
}`;
const STRIP = `uniform sampler2D gain;
void main() {  // more: logarithm of the factor on the light, and how little of it is seen
  vec3 own = ofFrame(was);
  float light = room(own) * (more.x + texture(gain, was).r);
  result = vec4(toSrgb(fromSrgb(own) * exp(light)), 1) * clamp(1.0 - more.y, 0.0, 1.0);
}`;
const EYE = `vec4 ofBall(vec2 place, float which) {  // of an eyeball's texture: it, or the shade of its lids
  vec2 at = clamp((place - square.xy) / square.z, 0.01, 0.99);
  return texture(other, vec2(at.x, (at.y + which) / 2.0));
}
void main() {  // more: below the upper lid and was, above the lower one and was, eye distances; numbers: way, turned
  vec4 ball = ofBall(now - numbers.xy, 0.0);
  float deep = max(more.y + more.w, 0.0) / 2.0;  // the shade goes along with the nearer lid
  float back = more.x < more.z ? clamp(more.x, 0.0, deep) - more.y : more.w - clamp(more.z, 0.0, deep);
  float shade = ofBall(now + back * vec2(square.w, numbers.w), 1.0).r;
  vec3 own = ofFrame(now) / max(ofBall(now, 1.0).r, 0.5);
  // up to lids that stay or close, and leave no line behind, the eyeball is the frame's own
  vec2 leaves = clamp((more.xz - more.yw) / ${ofEyes.LEFT_LINE.toFixed(4)}, 0.0, 1.0);
  vec2 seen = clamp((more.yw - ${ofEyes.LEFT_START.toFixed(4)} * leaves) / (${ofEyes.LEAST_EDGE.toFixed(4)} + ${ofEyes.LEFT_OVER.toFixed(4)} * leaves), 0.0, 1.0);
  float share = max(ball.a, min(seen.x, seen.y));
  result = vec4(clamp(mix(ball.rgb, own, share * (1.0 - numbers.z)) * shade, 0.0, 1.0), 1);
}`;
const MOUTH = `void main() {  // more: light and gloss; numbers: the direction of the highlight
  float shine = pow(clamp(dot(facing, numbers.xyz) / max(length(facing), 1e-6), 0.0, 1.0), 45.0);
  result = vec4(toSrgb(more.rgb + more.a * shine), 1);
}`;
const FRONT = "void main() { result = vec4(0, 0, 0, ofOther(now).r); }";

const SIZES = [3, 2, 4, 3];  // of a vertex's parts: 12 numbers
const FLOATS = 12;
const UNIFORMS = ["chin", "frameFromCrop", "clipFromCrop", "other", "gain", "square", "numbers"];

export class Mesh {
  constructor(triangles) {
    this.canvas = new OffscreenCanvas(1, 1);
    const gl = (this.gl = this.canvas.getContext("webgl2", { antialias: true, stencil: true }));
    if (!gl) throw new Error("this browser has no WebGL 2");
    this.programs = Object.fromEntries(Object.entries({ SKIN, STRIP, EYE, MOUTH, FRONT }).map(([name, main]) => {
      const program = this.#program(FRAGMENT + main);
      const places = UNIFORMS.map((one) => [one, gl.getUniformLocation(program, one)]);
      return [name, { program, places: Object.fromEntries(places) }];
    }));
    this.triangles = triangles;
    this.vertices = gl.createBuffer();
    this.indices = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.vertices);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indices);
    SIZES.reduce((offset, size, location) => {
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, size, gl.FLOAT, false, 4 * FLOATS, 4 * offset);
      return offset + size;
    }, 0);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  }

  #program(fragment) {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    return program;
  }

  #texture(image, isSmooth) {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    const { width, height, bytes, light } = image;
    const [kind, parts, type] = light ? [gl.RGBA16F, gl.RGBA, gl.FLOAT] : [bytes ? gl.R8 : gl.RGBA, bytes ? gl.RED : gl.RGBA, gl.UNSIGNED_BYTE];
    gl.texImage2D(gl.TEXTURE_2D, 0, kind, width, height, 0, parts, type, light ?? bytes ?? image.data);
    if (isSmooth) gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, isSmooth ? gl.LINEAR_MIPMAP_LINEAR : gl.LINEAR);
    for (const axis of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, axis, gl.CLAMP_TO_EDGE);
    return texture;
  }

  /** Take a face, as model.js opens it: `image` is what surfaces are taken from; `front` a plane
   * over the crop of what stands before it, or null. */
  show(shown) {
    if (shown === this.shown) return;
    const { gl } = this;
    const { image, crop, front, face: { eyes } } = (this.shown = shown);
    for (const one of this.textures ?? []) gl.deleteTexture(one);
    const [a, b, c, d, e, f] = crop.matrix;
    const [w, h, side] = [image.width, image.height, crop.side];
    this.#setMatrix("frameFromCrop", [a * side / w, d * side / h, 0, b * side / w, e * side / h, 0, c / w, f / h, 1]);
    for (const { program, places } of Object.values(this.programs)) {
      gl.useProgram(program);
      gl.uniform1i(places.other, 1);
      gl.uniform1i(places.gain, 2);
    }
    this.balls = eyes.map(({ window: [left, top, right], side: px, pixels, down }) =>
      ({ texture: this.#texture({ light: pixels, width: px, height: 2 * px }), square: [left, top, right - left, down[0]], down: down[1] }));
    const matte = front && { ...front, bytes: Uint8Array.from(front.data, (one) => Math.round(255 * one)) };
    this.front = matte && { texture: this.#texture(matte), square: [0, 0, 1, 0] };
    const frame = this.#texture(image, true);
    this.textures = [frame, ...this.balls.map(({ texture }) => texture), ...(this.front ? [this.front.texture] : [])];
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, frame);
    gl.activeTexture(gl.TEXTURE1);
  }

  /** A matrix of all programs, columns first. */
  #setMatrix(name, matrix) {
    const { gl } = this;
    for (const { program, places } of Object.values(this.programs)) {
      gl.useProgram(program);
      gl.uniformMatrix3fv(places[name], false, matrix);
    }
  }

  /** A plane over the crop to be added to the light's logarithm, or null. */
  #setGain(gain) {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE2);
    if (!this.gain) {
      gl.bindTexture(gl.TEXTURE_2D, (this.gain = gl.createTexture()));
      for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.LINEAR);
      for (const axis of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, axis, gl.CLAMP_TO_EDGE);
    }
    const side = gain ? Math.sqrt(gain.length) : 1;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16F, side, side, 0, gl.RED, gl.FLOAT, gain ?? new Float32Array(1));
    gl.activeTexture(gl.TEXTURE1);
  }

  #draw(name, vertices, indices, { numbers, other, line } = {}) {
    const { gl } = this;
    const { program, places } = this.programs[name];
    gl.useProgram(program);
    if (numbers) gl.uniform4fv(places.numbers, numbers);
    if (line) gl.uniform2fv(places.chin, line);
    if (other) {
      gl.bindTexture(gl.TEXTURE_2D, other.texture);
      gl.uniform4fv(places.square, other.square);
    }
    gl.bufferData(gl.ARRAY_BUFFER, Float32Array.from(vertices), gl.STREAM_DRAW);
    if (!indices) return gl.drawArrays(gl.TRIANGLE_STRIP, 0, vertices.length / FLOATS);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STREAM_DRAW);
    gl.enable(gl.CULL_FACE);
    gl.drawElements(gl.TRIANGLES, indices.length, gl.UNSIGNED_SHORT, 0);
    return gl.disable(gl.CULL_FACE);
  }

  /** Draw what skin_motion.js says of a face that moved; the canvas shows the face's region, reduced by a
   * whole factor, and is clear where nothing changed. */
  draw({ skin, chin, gain, eyes, mouth }, factor) {
    const { gl, shown: { image, crop } } = this;
    const [width, height] = [image.width, image.height].map((side) => Math.ceil(side / factor));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    gl.viewport(0, 0, width, height);
    const [a, b, c, d, e, f] = crop.matrix;
    const [u, v] = [2 / (factor * width), -2 / (factor * height)];
    this.#setMatrix("clipFromCrop", [a * crop.side * u, d * crop.side * v, 0, b * crop.side * u, e * crop.side * v, 0, c * u - 1, f * v + 1, 1]);
    this.#setGain(gain);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
    gl.disable(gl.DEPTH_TEST);
    for (const strip of [...eyes.flatMap((one) => one?.lids ?? []), ...(mouth?.lips ?? [])]) this.#draw("STRIP", strip);
    gl.enable(gl.DEPTH_TEST);
    this.#draw("SKIN", skin, this.triangles, chin);
    gl.disable(gl.DEPTH_TEST);
    eyes.forEach((one, i) => {
      if (one?.ball) this.#draw("EYE", one.ball, null, { other: this.balls[i], numbers: [...one.way, Number(one.turned), this.balls[i].down] });
    });
    if (mouth) this.#drawMouth(mouth);
    if (!this.front) return;
    const whole = [[0, 0], [1, 0], [0, 1], [1, 1]].flatMap((place) => [...place, 0, ...place, 0, 0, 0, 0, 0, 0, 0]);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ZERO, gl.ONE_MINUS_SRC_ALPHA);
    this.#draw("FRONT", whole, null, { other: this.front });
    gl.disable(gl.BLEND);
  }

  /** Teeth and tongue through the opening between the lips: a mask of it first. */
  #drawMouth({ strip, inside, triangles, rims }) {
    const { gl } = this;
    if (!inside) {
      this.#draw("STRIP", strip);
      return;
    }
    gl.enable(gl.STENCIL_TEST);
    gl.stencilFunc(gl.ALWAYS, 1, 255);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.REPLACE);
    const numbers = [...inside.gleam, 0];
    const dark = strip.map((value, i) => inside.unseen[(i % FLOATS) - 5] ?? value);
    this.#draw("MOUTH", dark, null, { numbers });
    gl.stencilFunc(gl.EQUAL, 1, 255);
    gl.stencilOp(gl.KEEP, gl.KEEP, gl.KEEP);
    gl.enable(gl.DEPTH_TEST);
    gl.clear(gl.DEPTH_BUFFER_BIT);
    this.#draw("MOUTH", inside.data, triangles, { numbers });
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    for (const rim of rims) this.#draw("STRIP", rim);
    gl.disable(gl.BLEND);
  }
}
