// The plots of the scalars: each is fetched when it comes into sight, and drawn anew when one looks at it differently.

import { draw } from "./chart.js";
import { told } from "./smoothing.js";
import { get } from "./speaking.js";

const POINTS = 2000;
let form = null;
const cards = new Map();

function look() {
  const values = new FormData(form);
  return {
    x: values.get("x"),
    y: values.get("y"),
    smooth: values.get("smooth"),
    strength: Number(values.get("strength")),
  };
}

function show(card) {
  const { answer, place, element } = card;
  if (!answer) return;
  card.plot?.destroy();
  // Of several models the buttons stand once, above all plots.
  const key = (series) => (place.dataset.by === "model" ? series.model_id : series.name);
  const button = (series) => (place.dataset.by === "model" ? document : element).querySelector(`[data-series="${CSS.escape(key(series))}"]`);
  card.plot = draw(answer, look(), {
    place,
    told: element.querySelector(".at"),
    dash: (series) => (button(series).querySelector(".dashed") ? [6, 4] : []),
    colour: (series) => getComputedStyle(button(series).querySelector(".line")).color,
    isShown: (series) => button(series).getAttribute("aria-pressed") === "true",
    nameOf: (series) => button(series).textContent.trim(),
  });
  place.dataset.drawn = "true";
}

async function fetchAndShow(card) {
  const url = new URL(card.place.dataset.url, location.href);
  url.searchParams.set("points", POINTS);
  try {
    card.answer = await get(url);
    show(card);
    const { left_out: left = [] } = card.answer;
    if (left.length) card.element.querySelector(".at").textContent = `${left.length} left out: too many points`;
  } catch (error) {
    card.place.textContent = error.message;
  }
}

const showAll = () => cards.forEach(show);

function tellStrength() {
  const { smooth, strength } = look();
  form.querySelector("#strength").hidden = smooth === "none";
  form.querySelector("#strength output").textContent = told(smooth, strength);
}

// The address says how one looks, without what holds anyhow.
function note() {
  if (form.closest("#detail")) return; // beside the table, whose address it is
  const values = new URLSearchParams(new FormData(form));
  for (const each of form.querySelectorAll("select")) if (each.selectedIndex === 0) values.delete(each.name);
  if (!values.get("q")) values.delete("q");
  if (!values.get("smooth")) values.delete("strength");
  history.replaceState(history.state, "", values.size ? `?${values}` : location.pathname);
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      fetchAndShow(cards.get(target));
    }
  },
  { rootMargin: "300px" },
);
const sized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const plot = cards.get(target)?.plot;
    if (plot && contentRect.width && Math.abs(plot.width - contentRect.width) > 1) plot.setSize({ width: contentRect.width, height: plot.height });
  }
});

/** What is in the page by now, and no longer what was. */
function begin() {
  for (const place of cards.keys()) if (!place.isConnected) cards.delete(place);
  for (const place of document.querySelectorAll(".plot")) {
    if (cards.has(place)) continue;
    cards.set(place, { place, element: place.closest(".plot-card") });
    seen.observe(place);
    sized.observe(place);
  }
  const found = document.querySelector("#look");
  if (!found || found === form) return;
  form = found;
  tellStrength();
  form.addEventListener("input", (event) => {
    if (event.target.name === "q" || event.target.name === "group") return;
    tellStrength();
    note();
    requestAnimationFrame(showAll);
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "group") form.requestSubmit();
  });
}
begin();
document.addEventListener("reread", begin);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-series]");
  if (!button) return;
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  const card = button.closest(".plot-card");
  if (card) show(cards.get(card.querySelector(".plot")));
  else showAll();
});
// Another theme has other colours, and a canvas doesn't know.
new MutationObserver(showAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAll);
