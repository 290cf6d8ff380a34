// Which rows are selected: across pages, as long as this page of the browser is open.

import { act } from "./actions.js";
import { isAnother } from "./pressing.js";
import { get, models, toast } from "./speaking.js";

/** id -> {name, status} */
const chosen = new Map();
/** Whether all that match are meant, whatever is loaded; then how many they are. */
let matching = null;
let last = null;

const view = () => document.querySelector("#view");
const bar = () => document.querySelector("#selection");
const rows = () => [...document.querySelectorAll("#table tbody tr")];
const facts = (row) => ({ name: row.dataset.name, status: row.dataset.status });

function show() {
  const all = rows();
  for (const row of all) {
    const isChosen = matching !== null || chosen.has(row.dataset.id);
    row.classList.toggle("chosen", isChosen);
    row.querySelector("input[type=checkbox]").checked = isChosen;
    if (chosen.has(row.dataset.id)) chosen.set(row.dataset.id, facts(row));
  }
  const count = matching?.all ?? chosen.size;
  const top = document.querySelector("#all");
  const here = all.filter((row) => row.classList.contains("chosen")).length;
  if (top) {
    top.checked = here > 0 && here === all.length;
    top.indeterminate = here > 0 && here < all.length;
  }
  bar().hidden = count === 0;
  document.body.classList.toggle("selecting", count > 0);
  if (count === 0) return;
  const drafts = matching?.drafts ?? [...chosen.values()].filter((each) => each.status !== "published").length;
  document.querySelector("#selected").textContent = `${models(count)} selected`;
  for (const button of bar().querySelectorAll("[data-action], [data-compare]")) {
    const touched = button.dataset.action === "publish" ? drafts : count;
    button.querySelector(".n").textContent = `(${touched.toLocaleString("en")})`;
    button.disabled = touched === 0 || (button.dataset.compare !== undefined && (matching !== null || count < 2));
  }
  const offer = document.querySelector("#matching");
  const total = Number(view().dataset.total);
  offer.hidden = matching !== null || total <= chosen.size;
  offer.textContent = `All ${total.toLocaleString("en")} that match`;
}

function choose(row, isChosen) {
  if (isChosen) chosen.set(row.dataset.id, facts(row));
  else chosen.delete(row.dataset.id);
}

function toggle(row, toLast) {
  const all = rows();
  const wanted = !(matching !== null || chosen.has(row.dataset.id));
  if (matching !== null) {
    // All but this one can't be said: what is on the page stays.
    matching = null;
    for (const each of all) choose(each, true);
  }
  const from = toLast ? all.findIndex((each) => each.dataset.id === last) : -1;
  const to = all.indexOf(row);
  const some = from < 0 ? [row] : all.slice(Math.min(from, to), Math.max(from, to) + 1);
  for (const each of some) choose(each, wanted);
  last = row.dataset.id;
  show();
}

export function clear() {
  chosen.clear();
  matching = null;
  show();
}

/** Models that have left this table, whoever has seen to that. */
export async function forget(ids) {
  for (const id of ids) chosen.delete(id);
  if (matching !== null) await chooseMatching();
  else show();
}

/** How many they are may have changed since. */
async function chooseMatching() {
  const { touched, url } = view().dataset;
  try {
    const { all, drafts } = await get(touched);
    // The reader may have gone on to another filter.
    if (view()?.dataset.url === url) matching = { all, drafts, url };
  } catch (error) {
    toast(error.message, { isProblem: true });
  }
  show();
}

document.addEventListener("click", async (event) => {
  const box = event.target.closest("#table tbody input[type=checkbox]");
  if (box) {
    toggle(box.closest("tr"), event.shiftKey);
    return;
  }
  const button = event.target.closest("#selection button");
  if (!button || isAnother(event)) return;
  if (button.dataset.select === "none") clear();
  else if (button.dataset.select === "page") {
    for (const row of rows()) choose(row, true);
    show();
  } else if (button.dataset.select === "matching") await chooseMatching();
  else if (button.dataset.compare) {
    const ids = [...chosen.keys()].map((id) => `m=${encodeURIComponent(id)}`);
    location.assign(`${button.dataset.compare}?${ids.join("&")}`);
  } else if (button.dataset.action) {
    const count = matching?.all ?? chosen.size;
    // What is confirmed is a number: if others match by then, nothing is done.
    const which = matching ? { all: matching.url, expect: count } : { ids: [...chosen.keys()] };
    const stays = ["tag", "untag", "move", "publish"].includes(button.dataset.action);
    const answer = await act(button.dataset.action, which, count);
    if (answer?.done.length && !stays) return clear();
    for (const id of button.dataset.action === "publish" && answer ? answer.done : []) {
      if (chosen.has(id)) chosen.set(id, { ...chosen.get(id), status: "published" });
    }
    if (matching !== null) await chooseMatching();
    else show();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.id !== "all") return;
  matching = null;
  for (const row of rows()) choose(row, event.target.checked);
  show();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.id !== "q" && !document.querySelector("dialog[open], :popover-open")) clear();
});

document.addEventListener("htmx:afterSettle", () => {
  // What "all that match" means has changed with the filter.
  if (matching && matching.url !== view()?.dataset.url) matching = null;
  show();
});

export const chosenIds = () => [...chosen.keys()];
