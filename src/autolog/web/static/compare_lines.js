// The lines of each metric, one over the other. A picture is drawn when it comes into sight.

import { get, toast } from "./speaking.js";
import uPlot from "./vendor/uPlot.esm.js";

const HEIGHT = 220;
const STROKES = 6;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const drawn = new Map();
let lines = null;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** What a variable of `light-dark` comes to: it has to be asked of an element. */
function resolved(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found || colour(name);
}

function draw(figure) {
  drawn.get(figure)?.destroy();
  const order = lines.models.map((each) => each.id);
  const series = lines.series.filter((each) => each.name === figure.dataset.metric);
  const place = figure.querySelector(".canvas");
  const data = uPlot.join(series.map((each) => [each.points.map((p) => p[0]), each.points.map((p) => p[1])]));
  const axis = { stroke: resolved("--dim"), grid: { stroke: resolved("--line"), width: 1 }, ticks: { stroke: resolved("--line") } };
  const styled = series.map((each) => {
    const number = order.indexOf(each.model_id);
    return {
      label: lines.models[number].name,
      stroke: resolved(`--stroke-${(number % STROKES) + 1}`),
      dash: DASHES[Math.floor(number / STROKES) % DASHES.length],
      width: 1.5,
      points: { show: each.points.length < 30, size: 5 },
      value: (_, value) => (value == null ? "" : value.toPrecision(5)),
    };
  });
  const options = {
    width: Math.max(place.clientWidth, 200),
    height: HEIGHT,
    scales: { x: { time: false } },
    axes: [axis, { ...axis, size: 64 }],
    series: [{ label: "iteration" }, ...styled],
  };
  drawn.set(figure, new uPlot(options, data, place));
  figure.dataset.drawn = "1";
}

const redraw = () => [...drawn.keys()].forEach(draw);

async function begin(plots) {
  try {
    lines = await get(plots.dataset.lines);
  } catch (error) {
    toast(error.message, { isProblem: true });
    return;
  }
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && !drawn.has(target)) draw(target);
    }
  }, { rootMargin: "300px" });
  for (const figure of plots.querySelectorAll("figure")) seen.observe(figure);
  new ResizeObserver(() => {
    for (const [figure, plot] of drawn) plot.setSize({ width: Math.max(figure.querySelector(".canvas").clientWidth, 200), height: HEIGHT });
  }).observe(plots);
  document.querySelector("#theme")?.addEventListener("click", () => setTimeout(redraw));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

const plots = document.querySelector("#plots");
if (plots) begin(plots);
