// Draws figures with Plotly, which is large: it is fetched when the first of them comes into sight.

import { get } from "./speaking.js";

const LIBRARY = "/static/vendor/plotly-strict.min.js";
// Drawn on maps that Plotly would fetch from elsewhere.
const MAPS = /^(choropleth|scattergeo|scattermap|densitymap|scattermapbox|densitymapbox)/;
const COLOURS = ["#3b78d8", "#e0702c", "#34a05f", "#a05bd6", "#d9534b", "#1fa0b8", "#b08a1e", "#d0569c"];
// Plotly offers to upload a figure, and has addresses of its own.
const NOTHING_LEAVES = { showSendToCloud: false, plotlyServerURL: "", topojsonURL: "/static/" };
const cards = new Map();

// Plotly writes style attributes, which the policy of these pages forbids; the same through the object model is fine.
function styleByRules() {
  const original = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function setAttribute(name, value) {
    if (name === "style" && this.style) this.style.cssText = value;
    else original.call(this, name, value);
  };
}

let library;
function plotly() {
  library ??= new Promise((done, failed) => {
    styleByRules();
    const script = document.createElement("script");
    script.src = LIBRARY;
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error("Plotly can't be fetched."));
    document.head.append(script);
  });
  return library;
}

function colour(place, name) {
  const probe = document.createElement("i");
  probe.className = name;
  place.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// What holds where the figure says nothing: the colours of the page.
function template(place) {
  const text = getComputedStyle(place).color;
  const line = colour(place, "probe-line");
  const axis = { gridcolor: line, zerolinecolor: line, ticks: "outside", ticklen: 4, tickcolor: line, automargin: true, title: { standoff: 8 } };
  const side = { gridcolor: line, zerolinecolor: line, linecolor: line, showbackground: false };
  const clear = "rgba(0,0,0,0)";
  return {
    layout: {
      paper_bgcolor: clear,
      plot_bgcolor: clear,
      font: { color: text, family: "system-ui, sans-serif", size: 12 },
      colorway: COLOURS,
      colorscale: { sequential: "Viridis" },
      xaxis: axis,
      yaxis: axis,
      scene: { xaxis: side, yaxis: side, zaxis: side },
      polar: { bgcolor: clear },
      hoverlabel: { align: "left" },
    },
    data: { heatmap: [{ colorscale: [[0, colour(place, "probe-low")], [1, colour(place, "probe-high")]], xgap: 1, ygap: 1 }], scatter3d: [{ marker: { size: 4 } }] },
  };
}

function layoutOf(place, figure) {
  const layout = { ...figure.layout };
  const title = typeof layout.title === "string" ? layout.title : layout.title?.text;
  const isSame = title === place.dataset.title;
  // The heading above says it already.
  if (isSame) delete layout.title;
  const isFree = !layout.template;
  if (isFree) layout.template = template(place);
  delete layout.width;
  delete layout.height;
  // Images from elsewhere aren't fetched.
  if (Array.isArray(layout.images)) layout.images = layout.images.filter((each) => String(each?.source).startsWith("data:"));
  const margin = isFree ? { l: 56, r: 18, t: !title || isSame ? 16 : 54, b: 48 } : {};
  return { ...layout, margin: { ...margin, ...layout.margin }, autosize: true };
}

function sorry(place, text) {
  const line = document.createElement("p");
  line.className = "sorry dim";
  line.textContent = text;
  const link = document.createElement("a");
  link.href = place.dataset.url.replace(/\.json$/, "");
  link.textContent = "Its data as a table";
  place.replaceChildren(line, link);
  line.append(" ", link);
}

async function draw(place) {
  const { figure } = cards.get(place);
  if (!figure) return;
  if (figure.data.some((each) => MAPS.test(each?.type))) {
    sorry(place, "This is drawn on a map that would come over the network, and these pages fetch nothing from there.");
    return;
  }
  try {
    const Plotly = await plotly();
    place.querySelector(".wait, .sorry")?.remove();
    // Plotly writes into what it is given.
    const { data } = structuredClone(figure);
    const scrollZoom = place.classList.contains("large");
    const config = { displaylogo: false, responsive: true, scrollZoom, ...NOTHING_LEAVES };
    await Plotly.react(place, data, layoutOf(place, structuredClone(figure)), config);
    place.dataset.drawn = "true";
  } catch (error) {
    sorry(place, `This can't be drawn here: ${error?.message ?? error}.`);
  }
}

async function fetchAndDraw(place) {
  try {
    const { figure } = await get(place.dataset.url);
    cards.get(place).figure = { ...figure, data: Array.isArray(figure.data) ? figure.data : [] };
  } catch (error) {
    sorry(place, error.message);
    return;
  }
  await draw(place);
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      fetchAndDraw(target);
    }
  },
  { rootMargin: "200px" },
);
function begin() {
  for (const place of cards.keys()) if (!place.isConnected) cards.delete(place);
  for (const place of [...document.querySelectorAll(".figure")].filter((each) => !cards.has(each))) {
    cards.set(place, {});
    seen.observe(place);
  }
}
begin();
document.addEventListener("reread", begin);
document.addEventListener("change", ({ target }) => target.matches("#plots-filter select") && target.form.requestSubmit());
const again = () => cards.forEach((_, place) => draw(place));
new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
