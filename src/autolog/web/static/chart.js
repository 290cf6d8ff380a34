// One line plot: series of points, their originals faint behind where they are smoothed, and where versions were saved.

import uPlot from "./vendor/uPlot.esm.js";
import { smooth } from "./smoothing.js";

const HEIGHT = 250;
const seconds = (time) => Date.parse(time) / 1000;

// Steps of an axis of seconds, as clocks have them.
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
const SPANS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
export function duration(value) {
  const size = Math.abs(value);
  const [span, unit] = SPANS.find(([each]) => size >= each) ?? [1, "s"];
  return `${Number((value / span).toPrecision(4))} ${unit}`;
}

export const number = (value) =>
  value === null || value === undefined ? "–" : Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(6)));

// A number beside an axis: short, as there is little room.
const tick = (value) => {
  const plain = String(Number(value.toPrecision(6)));
  return plain.length > 8 ? String(value.toExponential(5)).replace(/\.?0*e/, "e") : plain;
};
// What an axis of such numbers takes across, in pixels: a digit is seven wide at most, and the tick is in front.
const widthOf = (ticks) => Math.max(62, 20 + 7 * Math.max(0, ...ticks.map((each) => each.length)));

// Where the points of a series stand across: iterations, seconds since its task began, or times.
function across(series, look, began) {
  if (look.x === "iteration") return series.iteration;
  const times = series.time.map(seconds);
  return look.x === "wall" ? times : times.map((each) => each - (began[series.model_id] ?? times[0]));
}

// Infinite values come as text: drawn, they are gaps.
const drawable = (values, look) =>
  values.map((each) => (typeof each === "number" && (look.y !== "log" || each > 0) ? each : null));

function tables(answer, look) {
  const began = {};
  for (const each of answer.models) if (each.began) began[each.id] = seconds(each.began);
  const made = answer.series.map((series) => {
    const values = drawable(series.value, look);
    // In order of time a point may come before another of a lower iteration: uPlot needs them rising.
    const places = across(series, look, began).map((x, place) => [x, place]);
    places.sort((one, other) => one[0] - other[0]);
    const kept = places.filter(([x], place) => !place || x !== places[place - 1][0]);
    const sorted = kept.map(([, place]) => values[place]);
    const columns = [kept.map(([x]) => x), sorted];
    if (look.smooth !== "none") columns.push(smooth(look.smooth, look.strength, sorted));
    return columns;
  });
  const marks = answer.versions.flatMap((each) => {
    const when = seconds(each.created);
    const x = look.x === "iteration" ? each.iteration : look.x === "wall" ? when : when - (began[each.model_id] ?? NaN);
    return x === null || Number.isNaN(x) ? [] : [{ x, label: `v${each.version}` }];
  });
  return { data: made.length ? uPlot.join(made) : [[]], marks };
}

function drawMarks(plot, marks, colours) {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const ratio = devicePixelRatio;
  let line = -Infinity;
  let label = -Infinity;
  ctx.save();
  ctx.strokeStyle = colours.edge;
  ctx.fillStyle = colours.dim;
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 4 * ratio]);
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  for (const mark of [...marks].sort((one, other) => one.x - other.x)) {
    const x = Math.round(plot.valToPos(mark.x, "x", true));
    if (x < left || x > left + width || x - line < 3 * ratio) continue;
    line = x;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    if (x - label < 30 * ratio || x > left + width - 18 * ratio) continue;
    label = x;
    ctx.fillText(mark.label, x + 3 * ratio, top + 11 * ratio);
  }
  ctx.restore();
}

const colourOf = (element, property = "color") => getComputedStyle(element)[property];

// `parts` are elements: where to draw, where to tell values, and a swatch and a name for each series by its name.
export function draw(answer, look, parts) {
  const root = getComputedStyle(parts.place);
  const probe = document.createElement("i");
  parts.place.replaceChildren(probe);
  const resolve = (name) => ((probe.className = name), colourOf(probe));
  const colours = { edge: resolve("probe-edge"), dim: root.color, line: resolve("probe-line") };
  const { data, marks } = tables(answer, look);
  const smoothed = look.smooth !== "none";
  const series = [{}];
  for (const each of answer.series) {
    const stroke = parts.colour(each);
    const show = parts.isShown(each);
    const own = { show, spanGaps: false, points: { size: 5 }, dash: parts.dash?.(each) };
    if (smoothed) series.push({ ...own, stroke, alpha: 0.45, width: 1, points: { show: false } });
    series.push({ ...own, stroke, width: 1.8, label: parts.nameOf(each) });
  }
  const axis = { stroke: colours.dim, grid: { stroke: colours.line, width: 1 }, ticks: { stroke: colours.line, width: 1 }, font: "12px system-ui, sans-serif" };
  const values = look.x === "time" ? (_, each) => each.map(duration) : look.x === "iteration" ? (_, each) => each.map(number) : undefined;
  const tell = (plot) => {
    const at = plot.cursor.idx;
    const x = at === null || at === undefined ? undefined : plot.data[0][at];
    const where = x === undefined ? "" : look.x === "time" ? duration(x) : look.x === "wall" ? new Date(x * 1000).toLocaleString() : number(x);
    const known = x === undefined ? [] : plot.series.flatMap((each, place) => (each.label && place && each.show ? [`${each.label} ${number(plot.data[place][at])}`] : []));
    parts.told.textContent = where && [where, ...known].join(" · ");
  };
  return new uPlot(
    {
      width: Math.max(200, parts.place.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: `scalars-${look.x}` }, drag: { x: true, y: false } },
      scales: { x: { time: look.x === "wall" }, y: { distr: look.y === "log" ? 3 : 1 } },
      axes: [{ ...axis, ...(values && { values }), ...(look.x === "time" && { incrs: STEPS }) }, { ...axis, size: (_, ticks) => widthOf(ticks ?? []), values: (_, each) => each.map((one) => (one === null ? "" : tick(one))) }],
      series,
      hooks: { draw: [(plot) => drawMarks(plot, marks, colours)], setCursor: [tell] },
    },
    data,
    parts.place,
  );
}
