// Smoothed values. What isn't a number stays a gap, and nothing is counted for it. `strength` is 1 to 100.

export function smooth(kind, strength, values) {
  if (kind === "exponential") return exponential(values, weightOf(strength));
  if (kind === "average") return average(values, strength);
  if (kind === "gaussian") return gaussian(values, strength / 4);
  return values;
}

export function told(kind, strength) {
  if (kind === "exponential") return weightOf(strength).toFixed(2);
  if (kind === "average") return `${strength} point${strength === 1 ? "" : "s"}`;
  return `σ ${strength / 4}`;
}

const weightOf = (strength) => Math.min(strength / 100, 0.99);

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

// Divided by the weight of what has been seen so far, or the first values would be drawn to zero.
function exponential(values, weight) {
  let last = 0;
  let seen = 0;
  return values.map((value) => {
    if (!isNumber(value)) return null;
    last = last * weight + (1 - weight) * value;
    seen += 1;
    return last / (1 - weight ** seen);
  });
}

// Of the last so many values.
function average(values, count) {
  const window = [];
  let sum = 0;
  return values.map((value) => {
    if (!isNumber(value)) return null;
    window.push(value);
    sum += value;
    if (window.length > count) sum -= window.shift();
    return sum / window.length;
  });
}

// Of the values on both sides, by their distance in points.
function gaussian(values, sigma) {
  const reach = Math.ceil(3 * sigma);
  const kernel = Array.from({ length: reach + 1 }, (_, far) => Math.exp(-(far * far) / (2 * sigma * sigma)));
  return values.map((value, place) => {
    if (!isNumber(value)) return null;
    let sum = 0;
    let mass = 0;
    const end = Math.min(values.length - 1, place + reach);
    for (let at = Math.max(0, place - reach); at <= end; at += 1) {
      if (!isNumber(values[at])) continue;
      const weight = kernel[Math.abs(at - place)];
      sum += weight * values[at];
      mass += weight;
    }
    return sum / mass;
  });
}
