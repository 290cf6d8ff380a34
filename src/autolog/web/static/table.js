// Going through the rows with keys, opening them, and another level of sorting with shift.

import { isBusy, isTyping } from "./site.js";
import { refresh } from "./speaking.js";

const rows = () => [...document.querySelectorAll("#table tbody tr")];
const current = () => document.activeElement?.closest("#table tbody tr") ?? document.querySelector("tr.cursor");

function go(row) {
  if (!row) return;
  for (const each of document.querySelectorAll("tr.cursor")) each.classList.remove("cursor");
  row.classList.add("cursor");
  row.querySelector("a.open").focus();
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  go(at < 0 ? all[by > 0 ? 0 : all.length - 1] : all[Math.min(Math.max(at + by, 0), all.length - 1)]);
}

export const open = (id) => {
  const { detail = "/models/" } = document.querySelector("#view").dataset;
  location.assign(detail + encodeURIComponent(id));
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.id === "q") event.target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || isBusy()) return;
  if (event.target.closest("[role=menu]")) return;
  const inRow = event.target === document.body || event.target.closest("#table tbody tr") !== null;
  if (event.key === "j" || (event.key === "ArrowDown" && inRow)) step(1);
  else if (event.key === "k" || (event.key === "ArrowUp" && inRow)) step(-1);
  else if (event.key === "/") document.querySelector("#q").focus();
  else if (event.key === "Enter" && event.target === document.body && current()) open(current().dataset.id);
  else if (event.key.toLowerCase() === "x" && current()) {
    const box = current().querySelector("input[type=checkbox]");
    box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: event.shiftKey }));
  } else return;
  event.preventDefault();
});

// The search stands outside of what is read anew: a filter may have been taken away there.
document.addEventListener("htmx:afterSettle", () => {
  const [q, re, view] = ["#q", "#re", "#view"].map((each) => document.querySelector(each));
  if (!view || document.activeElement === q) return;
  q.value = view.dataset.q;
  if (re) re.checked = view.dataset.re === "1";
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("#table tbody tr");
  if (!row) return;
  for (const each of document.querySelectorAll("tr.cursor")) each.classList.remove("cursor");
  row.classList.add("cursor");
});

document.addEventListener("click", (event) => {
  // In the split view a click anywhere in a row shows it beside.
  const row = event.target.closest(".split #table tbody tr");
  if (row && !event.target.closest("a, button, input, label")) row.querySelector("a.open").click();
});

document.addEventListener("dblclick", (event) => {
  const row = event.target.closest("#table tbody tr");
  if (row && !event.target.closest("button, input, label")) open(row.dataset.id);
});

/** Shows the table as another address has it. */
export async function visit(url) {
  await refresh(url);
  history.pushState({ htmx: true }, "", url);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.sort");
  if (!link || !event.shiftKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  visit(link.dataset.add);
}, true);
