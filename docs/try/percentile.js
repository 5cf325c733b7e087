// Percentile of numbers: as reggan_plugin/percentile.py has it.

/** The value that so large a share of `values` (0 to 1; at least one value) does not exceed. */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (place - below) * (above - sorted[below]);
}
