// The inside of a mouth: its mesh, its jaw, and the light that comes in past the lips, at vertices.
// As reggan_plugin/rig/mouth_drawing.py and mouth_light.py have it.

import { mouth_drawing as ofMouth, mouth_light as ofLight, mouth_opening } from "./constants.js";
import { blurred, percentile } from "./resampling.js";
import { added, clip, cross, dot, interpolated, leastSquares, meanOf, scaled, unit } from "./rig.js";

const { TOOTH, GUM, WALL, PLATE, HINGE, SLIDE, IVORY, CAVITY, NECK, EDGE, EDGE_REACH, CANINES, CANINE, FILL_OF, FADE,
  FADE_OF, LOWER_FADE, GLOSS_OF, EXPOSURE, BOUNCE, STONE_GLOSS, STONE_DARKER, CARVED_GUM, KEY_WRAP, ARCH, ASIDE, ACROSS, ACROSS_REACH, STRONG_KEY, TOO_BRIGHT, REDDER, BACK_REDDER, THROUGH_CHEEKS, POWER, NEAREST,
  LIPS_BEFORE_TEETH, LIPS_CURVE, MIDDLE, BEHIND, SHORTER, LOWEST, JOINT_SKY, BAND, BAND_CARVED, BAND_BEHIND, BAND_BEHIND_SIDES, BAND_IS_GUM, FROM_ABOVE } = ofMouth;
const COLOURS = [IVORY, ofMouth.GUM_COLOUR, ofMouth.TONGUE_COLOUR, ofMouth.WALL_COLOUR, ofMouth.PLATE_COLOUR];
const { LUMA, DEPTHS, MARGIN } = ofLight;
const CELL = 0.03;  // in eye distances; coarser than the program's, for a slider's sake
const { RIM, RIM_SHADE } = mouth_opening;

export const fromSrgb = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const along = (value, [from, to], [low, high]) => low + (high - low) * clip((value - from) / (to - from));
/** What is left of a channel of a tooth's colour so far back. */
const backwards = (z, channel) => 1 - 0.15 * clip((-z - 0.15) / 0.6) * [0.6, 0.8, 1.2][channel];

export class Mouth {
  constructor(arrays) {
    const of = (name) => arrays[name].data;
    const [low, high] = [0, 1].map((row) => of("bounds").subarray(3 * row, 3 * row + 3));
    this.points = Float32Array.from(of("points"), (v, i) => low[i % 3] + (v / 65535) * (high[i % 3] - low[i % 3]));
    Object.assign(this, { normals: of("normals"), part: of("part") });
    for (const name of ["jaw", "sky", "cervical"]) this[name] = Float32Array.from(of(name), (v) => v / 255);
    const triangles = of("triangles");
    const without = (part) => triangles.filter((_, i) => this.part[triangles[i - (i % 3)]] !== part);
    this.triangles = { natural: without(PLATE), plate: without(TOOTH), carved: triangles };
    this.colours = Array.from(this.part, (part, i) => COLOURS[part].map((value, k) => {
      if (part !== TOOTH) return value;
      const edge = clip(1 - this.cervical[i] / EDGE_REACH);
      const shade = 1 + (NECK[k] - 1) * this.cervical[i] ** 1.5 + (EDGE[k] - 1) * edge;
      return value * shade * backwards(this.points[3 * i + 2], k) * (CANINES.includes(of("tooth")[i]) ? CANINE[k] : 1);
    }));
  }

  /** Vertices of mesh.js in the light, and the colour of what lies behind them; lips shade it at their edge.
   * `teeth`: which of the triangles are drawn; `drop`: how far the lower incisors are from rest; `projection`: rows from head axes to the crop. */
  lit({ projection, origin, drop }, light, opening, teeth) {
    const arm = scaled(HINGE, -1);
    const reach = Math.hypot(arm[1], arm[2]);
    const angle = Math.max(0, (arm[1] * drop[2] - arm[2] * drop[1]) / reach / reach);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const turn = ([x, y, z]) => [x, cos * y - sin * z, sin * y + cos * z];
    const shift = added(drop, added(turn(arm), arm, -1), -1).map((value, k) => value * SLIDE[k]);
    const towards = unit(cross(projection[0], scaled(projection[1], -1)));
    const { key } = light;
    const grazing = [ASIDE * key[0], key[1], key[2]];
    const asBright = 1 / (1 + TOO_BRIGHT * Math.max(0, light.keyStrength - STRONG_KEY));
    const eye = Math.sqrt(Math.hypot(...projection[0]) * Math.hypot(...projection[1]));
    const keyInCrop = projection.map((row) => dot(row, key));
    const strength = light.tooth.map((value, k) => (EXPOSURE - light.stone * STONE_DARKER) * value / IVORY[k]);
    const tint = scaled(light.skin, 1 / Math.max(dot(light.skin, LUMA), 1e-6));
    const through = (part, blur, place) => (1 - (1 - Math.min(1, opening.seen(blur, place))) ** FILL_OF[part]) ** POWER;
    const up = projection.map((row) => row[1]);
    const [data, deep] = [new Float32Array(12 * this.part.length), []];
    for (let i = 0; i < this.part.length; i++) {
      const isCarved = teeth === "carved" && this.part[i] === PLATE;
      const isLower = this.jaw[i] > 0.5;
      const fills = isCarved && (isLower || this.points[3 * i + 1] <= BAND_IS_GUM);  // the joints
      const part = isCarved ? (fills ? TOOTH : GUM) : this.part[i];
      const isEven = teeth === "carved" && part === GUM;
      const isFree = isEven || (teeth === "carved" && part === TOOTH && !isLower);
      const [isPlate, isHard] = [part === PLATE, part === PLATE || part === TOOTH];
      const rest = [this.points[3 * i], this.points[3 * i + 1], this.points[3 * i + 2]];
      const jaw = this.jaw[i];
      if (isCarved) {
        const height = rest[1];
        const beside = clip((Math.abs(rest[0]) - 0.2) / 0.1);
        const behind = isLower ? BEHIND : interpolated(height, BAND, BAND_BEHIND) + beside * interpolated(height, BAND, BAND_BEHIND_SIDES);
        rest.forEach((value, k) => { rest[k] -= behind * (value - MIDDLE[k]); });
        rest[1] = isLower ? Math.max(height - SHORTER, LOWEST) : interpolated(height, BAND, BAND_CARVED);
      }
      const arch = unit([rest[0] / ARCH[0] ** 2, 0, Math.max(0, rest[2] + ARCH[1]) / ARCH[1] ** 2]);
      const own = isEven ? arch : [this.normals[3 * i], this.normals[3 * i + 1], this.normals[3 * i + 2]];
      const point = jaw ? added(rest, added(added(added(turn(added(rest, HINGE, -1)), HINGE), shift), rest, -1), jaw) : rest;
      const normal = jaw ? unit(added(own, added(turn(own), own, -1), jaw)) : own;
      // At rest: else lower teeth would go dark as the jaw takes them back.
      const depth = clip(LIPS_BEFORE_TEETH + LIPS_CURVE * Math.min(Math.abs(rest[0]), 0.6) ** 2 - rest[2], NEAREST, 1.5);
      const place = projection.map((row, k) => origin[k] + dot(row, point));
      const sky = through(part, 0.8 * depth, added(place, up, FROM_ABOVE * depth));
      const fromKey = through(part, 0.35 * depth, added(place, keyInCrop, depth / Math.max(0.35, dot(key, towards))));
      const facing = isPlate ? 1 : clip(dot(normal, towards));
      const inArch = jaw > 0.5 && (part === TOOTH || part === GUM) ? clip((dot(arch, key) + KEY_WRAP) / Math.max(key[2] + KEY_WRAP, 0.1)) : 1;
      const lit = isPlate ? Math.max(0.5, dot(key, towards)) : inArch * clip((dot(normal, grazing) + KEY_WRAP) / (1 + KEY_WRAP));
      const above = isPlate ? 1 : 0.82 + 0.18 * normal[1];
      const side = clip((place[0] - origin[0]) / eye, -ACROSS_REACH, ACROSS_REACH);
      const isRow = isHard || part === GUM;
      const fade = (isRow ? asBright : 1) * Math.exp(ACROSS * light.across * side - (FADE_OF[part] + (isRow && !isPlate ? LOWER_FADE * jaw : 0)) * FADE * Math.max(0, depth - 0.12));
      const cheek = clip((Math.abs(rest[0]) - 0.3) / 0.15);
      const amount = Math.max(THROUGH_CHEEKS * cheek,
        (light.ambient * sky * above * (0.35 + 0.65 * facing) + 1.25 * light.keyStrength * lit * fromKey) * fade);
      const free = clip(((fills ? JOINT_SKY : isFree ? 1 : this.sky[i]) - 0.05) / 0.62);
      const lack = clip(1 - amount);
      const back = BACK_REDDER[2] * clip((-rest[2] - BACK_REDDER[0]) / (BACK_REDDER[1] - BACK_REDDER[0]));
      const redder = isHard ? (0.5 * lack + back) * lack : (part === GUM ? 0.6 : REDDER) * lack;
      const carved = part === GUM ? light.stone : 0;
      const bounce = (isHard ? 0.5 : 1) * BOUNCE * opening.seen(1.6 * depth, place);
      const filling = IVORY.map((value, k) => value * NECK[k] * backwards(rest[2], k));
      const bare = (fills ? filling : this.colours[i]).map((value, k) => value + carved * (CARVED_GUM * IVORY[k] - value));
      const colour = CAVITY.map((flesh, k) => strength[k] * bare[k] * (flesh / CAVITY[0]) ** (0.45 * redder)
        * (amount * (isPlate ? 0.85 + 0.15 * free : 0.35 + 0.65 * free) + bounce * flesh / 0.2));
      const grey = dot(colour, LUMA);
      const shown = colour.map((value, k) => value + light.stone * (grey * tint[k] - value));
      const gloss = GLOSS_OF[part] * (light.keyStrength + 0.15) * fromKey * fade
        * (strength[0] + strength[1] + strength[2]) / 3 * (1 - (1 - STONE_GLOSS) * light.stone);
      const shade = 1 - RIM_SHADE * (1 - opening.seen(RIM, place));
      data.set([...place, dot(point, towards), 0, 0, ...scaled(shown, shade), gloss * shade, ...normal], 12 * i);
      if (part === WALL && rest[2] < -1.3) deep.push(shown);
    }
    return { data, unseen: meanOf(deep), gleam: unit(added(key, towards)) };
  }
}

/** How much light comes through an opening between edges to places behind it. */
export class OpeningLight {
  constructor(edges, eye) {
    const smooth = edges.smooth();
    const spots = [...smooth.upper, ...smooth.lower].map((place) => [dot(place, edges.right), dot(place, edges.down)]);
    const [low, high] = [Math.min, Math.max].map((pick) => [0, 1].map((k) => pick(...spots.map((spot) => spot[k]))));
    const cell = CELL * eye;
    const [width, height] = [0, 1].map((k) => Math.ceil((high[k] - low[k] + 2 * MARGIN * eye) / cell));
    const start = low.map((value) => value - MARGIN * eye);
    Object.assign(this, { edges, cell, start, width, height });
    const open = new Float32Array(width * height).map((_, i) => {
      const spot = [start[0] + ((i % width) + 0.5) * cell, start[1] + (Math.floor(i / width) + 0.5) * cell];
      const { below, above } = smooth.from([0, 1].map((k) => edges.right[k] * spot[0] + edges.down[k] * spot[1]));
      return above <= -1 ? 0 : clip(Math.min(below, cell / 2) / cell + Math.min(above, cell / 2) / cell);
    });
    this.levels = DEPTHS.map((depth) => blurred(open, width, height, Math.max(0.3, depth * eye / cell)));
  }

  /** Share of the light at a place of the crop, blurred by so many eye distances. */
  seen(depth, [u, v]) {
    const { edges: { right, down }, start, cell, width, height, levels } = this;
    let lower = 0;
    while (lower < DEPTHS.length - 2 && DEPTHS[lower + 1] < depth) lower++;
    const share = clip((depth - DEPTHS[lower]) / (DEPTHS[lower + 1] - DEPTHS[lower]));
    const x = clip((u * right[0] + v * right[1] - start[0]) / cell - 0.5, 0, width - 1.001);
    const y = clip((u * down[0] + v * down[1] - start[1]) / cell - 0.5, 0, height - 1.001);
    const at = Math.floor(y) * width + Math.floor(x);
    const [far, low] = [x - Math.floor(x), y - Math.floor(y)];
    const mixed = (plane) => (plane[at] * (1 - far) + plane[at + 1] * far) * (1 - low)
      + (plane[at + width] * (1 - far) + plane[at + width + 1] * far) * low;
    return mixed(levels[lower]) * (1 - share) + mixed(levels[lower + 1]) * share;
  }
}

/** The light on a face, from its bare skin: `pixels` are [x, y, r, g, b], sRGB-encoded, x and y of
 * the picture; `projection` as above; `eyes`: pixels of the eyes, [r, g, b]. */
export function mouthLight(pixels, eyes, projection) {
  const { DARKEST_SKIN, BRIGHTEST_TOOTH } = ofLight;
  const light = pixels.map((one) => one.slice(2).map(fromSrgb));
  const luma = Float32Array.from(light, (one) => dot(one, LUMA));
  const [low, high] = [ofLight.LOW, ofLight.HIGH].map((share) => percentile(luma, share / 100));
  const usual = [...luma.keys()].filter((i) => luma[i] >= low && luma[i] <= high);
  const skin = meanOf(usual.map((i) => light[i])).map((value) => Math.max(value, 1e-4));
  const bright = dot(skin, LUMA);
  const saturation = Float32Array.from(pixels, ([, , ...rgb]) => (Math.max(...rgb) - Math.min(...rgb)) / Math.max(...rgb, 0.02));
  const colourless = Math.max(statueShare(eyes, pixels), clip((ofLight.COLOURED - percentile(saturation, ofLight.MOST / 100)) / (ofLight.COLOURED - ofLight.COLOURLESS)));
  const expected = ofLight.TOOTH * Math.sqrt(Math.max(bright, DARKEST_SKIN) / ofLight.SKIN) * Math.min(1, bright / DARKEST_SKIN);
  const bySkin = Math.min(BRIGHTEST_TOOTH, expected + colourless * (bright - expected));
  const white = whiteOf(eyes);
  const seen = white && clip(dot(white, LUMA) ** ofLight.WHITE_SHARE * bySkin ** ofLight.SKIN_SHARE, ofLight.WHITE_BOUNDS[0] * bySkin,
    Math.min(ofLight.WHITE_BOUNDS[1] * bySkin, BRIGHTEST_TOOTH));
  const tooth = white ? bySkin + (1 - colourless) * (seen - bySkin) : bySkin;
  const warm = IVORY.map((value, k) => value * (white ? clip(white[k] / dot(white, LUMA), ...ofLight.TINTS) ** ofLight.WHITE_TINT
    : clip(skin[k] / ((skin[0] + skin[1] + skin[2]) / 3), 0.3, 2) ** ofLight.WARMTH));
  const ivory = scaled(warm, 1 / dot(warm, LUMA));
  const { key, keyStrength } = keyLight(pixels, luma.map((value) => value / bright), usual);
  const [right, up] = [unit(projection[0]), unit(scaled(projection[1], -1))];
  const out = cross(right, up);
  return {
    skin, keyStrength, key: right.map((_, k) => key[0] * right[k] + key[1] * up[k] + key[2] * out[k]),
    tooth: ivory.map((value, k) => tooth * (value + colourless * (skin[k] / bright - value))),
    ambient: Math.max(ofLight.LEAST_AMBIENT, 1 - 0.6 * keyStrength), stone: colourless, across: lightAcross(pixels, luma),
  };
}

/** Linear RGB of the white of eyes, as bright as most of it is; null where none is seen. */
function whiteOf(eyes) {
  if (eyes.length < ofLight.FEWEST_OF_SKIN) return null;
  const light = eyes.map((one) => one.map(fromSrgb));
  const luma = Float32Array.from(light, (one) => dot(one, LUMA));
  const [low, high, bright] = [0.7, 0.92, ofLight.WHITE / 100].map((share) => percentile(luma, share));
  const colour = meanOf(light.filter((_, i) => luma[i] >= low && luma[i] <= high));
  return scaled(colour, Math.max(bright, 1e-3) / Math.max(dot(colour, LUMA), 1e-6));
}

/** Logarithm of the light on the right half of the skin over the left one's. */
function lightAcross(pixels, luma) {
  const middle = meanOf(pixels)[0];
  const [left, right] = [(x) => x <= middle, (x) => x > middle].map((isOn) => luma.filter((_, i) => isOn(pixels[i][0])));
  if (Math.min(left.length, right.length) < ofLight.FEWEST_OF_SKIN) return 0;
  const [dark, bright] = [left, right].map((one) => Math.max(percentile(one, 0.5), 1e-4));
  return clip(Math.log(bright / dark), -ofLight.MOST_ACROSS, ofLight.MOST_ACROSS);
}

/** Direction (x right, y up, z to the viewer) and strength, as if the face were an ellipsoid. */
function keyLight(pixels, luma, usual) {
  const middle = meanOf(pixels.map(([x, y]) => [x, -y]));
  const spread = [0, 1].map((k) => 2.2 * Math.sqrt(pixels.reduce((sum, one) =>
    sum + ((k ? -one[1] : one[0]) - middle[k]) ** 2, 0) / pixels.length));
  const sides = usual.map((i) => {
    const across = [pixels[i][0] - middle[0], -pixels[i][1] - middle[1]].map((value, k) => value / Math.max(spread[k], 1e-6));
    const inside = scaled(across, 1 / Math.max(1, Math.hypot(...across) / 0.95));
    return [1, ...inside, Math.sqrt(clip(1 - dot(inside, inside)))];
  });
  const ridge = ofLight.RIDGE * sides.length;
  const slope = leastSquares(sides, usual.map((i) => luma[i]), [0, ridge, ridge, ridge]).slice(1);
  slope[2] = Math.max(slope[2], 0.15, ofLight.FRONTAL * Math.hypot(slope[0], slope[1]));
  const size = Math.hypot(...slope);
  return { key: scaled(slope, 1 / size), keyStrength: Math.min(size, ofLight.MOST_KEY) };
}

/** 1 where eyes are of the same stuff as skin, without pupils: then teeth are, too. */
function statueShare(eyes, pixels) {
  if (eyes.length < mouth_opening.FEWEST) return 0;
  const hue = (rgb) => scaled(rgb, 1 / (rgb[0] + rgb[1] + rgb[2] + 1e-3));
  const median = (values) => percentile(Float32Array.from(values), 0.5);
  const skin = pixels.map((one) => one.slice(2));
  const usual = [0, 1, 2].map((k) => median(skin.map((one) => hue(one)[k])));
  const away = median(eyes.map((one) => hue(one).reduce((sum, value, k) => sum + Math.abs(value - usual[k]), 0)));
  const mean = ([r, g, b]) => (r + g + b) / 3;
  const darkest = percentile(Float32Array.from(eyes, mean), 0.05) / Math.max(mean(meanOf(skin)), 1e-3);
  return along(away, mouth_opening.SAME_STUFF, [1, 0]) * along(darkest, mouth_opening.NO_PUPIL, [0, 1]);
}
