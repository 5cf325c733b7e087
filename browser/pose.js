// How far a head is turned, by six landmarks: as reggan_plugin/faces/landmarks_and_pose.py has it.

const CANONICAL = [[0.5, 0, 0], [-0.5, 0, 0], [0, 0.66, 0.62], [0.39, 1.18, 0.12], [-0.39, 1.18, 0.12], [0, 1.86, 0]];
const TRUST = [1, 1, 1, 0.3, 0.3, 0.2];
const SUM = TRUST.reduce((a, b) => a + b);
const [PITCH_PRIOR, LARGEST_YAW, LARGEST_PITCH, GAIN, FADE] = [0.1, 75, 35, 0.83 * 1.3, 10];
const [FIRST_STEP, REFINEMENTS, STEPS] = [5, 4, 4];
const radians = (degrees) => (degrees * Math.PI) / 180;

/** Points about their mean, as trusted. */
function centred(points) {
  const mean = [0, 1].map((k) => points.reduce((sum, point, i) => sum + TRUST[i] * point[k], 0) / SUM);
  return points.map((point) => point.map((value, k) => value - mean[k]));
}

/** Product of two rows of points as complex numbers, the first conjugated: [real, imaginary]. */
const product = (a, b) => a.reduce(([real, imaginary], [x, y], i) =>
  [real + TRUST[i] * (x * b[i][0] + y * b[i][1]), imaginary + TRUST[i] * (x * b[i][1] - y * b[i][0])], [0, 0]);

function distance(seen, yawDegrees, pitchDegrees) {
  const [yaw, pitch] = [radians(yawDegrees), radians(pitchDegrees)];
  const model = centred(CANONICAL.map(([x, y, z]) => [x * Math.cos(yaw) + z * Math.sin(yaw),
    y * Math.cos(pitch) - (z * Math.cos(yaw) - x * Math.sin(yaw)) * Math.sin(pitch)]));
  const own = product(model, model)[0];
  const scale = Math.max(product(model, seen).reduce((sum, part) => sum + (part / own) ** 2, 0), 1e-12);
  return product(seen, seen)[0] / scale - own + PITCH_PRIOR * pitch ** 2;
}

/** The yaw in degrees of a head whose landmarks the locator found, to its own left. */
export function locatedYaw(points) {
  const seen = centred(points);
  const around = (middle, reach, step) => Array.from({ length: 2 * Math.round(reach / step) + 1 }, (_, i) => middle - reach + i * step);
  let [yaws, pitches] = [around(0, LARGEST_YAW, FIRST_STEP), around(0, LARGEST_PITCH, FIRST_STEP)];
  for (let step = FIRST_STEP, left = REFINEMENTS; ; left--) {
    let [least, yaw, pitch] = [Infinity, 0, 0];
    for (const one of yaws) {
      for (const other of pitches) {
        const cost = distance(seen, one, other);
        if (cost < least) [least, yaw, pitch] = [cost, one, other];
      }
    }
    if (!left) return GAIN * yaw;
    [yaws, pitches] = [around(yaw, step, step / STEPS), around(pitch, step, step / STEPS)];
    step /= STEPS;
  }
}

/** What the turn of a head leaves of an intensity, 0 to 1, by the model's card. */
export function intensityShare(points, { max_yaw_deg: most, handling }) {
  if (most === null || most === undefined) return 1;
  const beyond = (Math.abs(locatedYaw(points)) - most) / (handling?.fade_deg ?? FADE);
  return Math.min(1, Math.max(0, 1 - beyond));
}
