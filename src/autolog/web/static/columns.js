// Columns: widths by dragging, the order by dragging heads.

import { remember } from "./remember.js";
import { visit } from "./table.js";

const view = () => document.querySelector("#view");
const heads = () => [...document.querySelectorAll("#table th[data-key]")];
const place = () => `widths:${view().dataset.project}`;

function widths() {
  try {
    return JSON.parse(localStorage.getItem(place())) ?? {};
  } catch {
    return {};
  }
}

function keep(key, width) {
  const known = widths();
  known[key] = Math.round(width);
  try {
    localStorage.setItem(place(), JSON.stringify(known));
  } catch {
    // Storage is switched off: it holds until the table is read anew.
  }
}

function setWidths() {
  const known = widths();
  for (const head of heads()) {
    const width = Number(known[head.dataset.key]);
    if (width) head.style.width = `${width}px`;
  }
}

/** As wide as the widest of what is in it. */
function fit(head) {
  const at = [...head.parentElement.children].indexOf(head);
  const cells = [...document.querySelectorAll("#table tr")].map((row) => row.children[at]).filter(Boolean);
  const wide = cells.map((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const inner = [...cell.querySelectorAll(".clip")].map((each) => each.scrollWidth);
    return Math.max(range.getBoundingClientRect().width, ...inner);
  });
  const width = Math.min(Math.max(48, ...wide) + 24, 900);
  head.style.width = `${width}px`;
  keep(head.dataset.key, width);
}

// -- widths -----------------------------------------------------------------------------------------

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest(".grip");
  if (!grip) return;
  event.preventDefault();
  const head = grip.parentElement;
  const [from, before] = [event.clientX, head.getBoundingClientRect().width];
  const { draggable } = head;
  head.draggable = false;
  const move = (each) => (head.style.width = `${Math.max(40, before + each.clientX - from)}px`);
  const end = () => {
    document.removeEventListener("pointermove", move);
    head.draggable = draggable;
    keep(head.dataset.key, head.getBoundingClientRect().width);
  };
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", end, { once: true });
});

document.addEventListener("dblclick", (event) => {
  const grip = event.target.closest(".grip");
  if (grip) fit(grip.parentElement);
});

// -- order ------------------------------------------------------------------------------------------

let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("#table th[data-key][draggable=true]") ?? null;
  if (dragged) event.dataTransfer.setData("text/plain", dragged.dataset.key);
});
document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.("#table th[data-key]");
  for (const head of heads()) head.classList.toggle("over", head === over && head !== dragged);
  if (over) event.preventDefault();
});
document.addEventListener("dragend", () => {
  for (const head of heads()) head.classList.remove("over");
  dragged = null;
});
document.addEventListener("drop", (event) => {
  const over = dragged && event.target.closest?.("#table th[data-key]");
  if (!over || over === dragged) return;
  event.preventDefault();
  const keys = heads().map((each) => each.dataset.key);
  const [from, to] = [keys.indexOf(dragged.dataset.key), keys.indexOf(over.dataset.key)];
  keys.splice(to, 0, ...keys.splice(from, 1));
  const url = new URL(view().dataset.url, location.href);
  const escaped = keys.map((key) => key.replaceAll("%", "%25").replaceAll(",", "%2C"));
  url.searchParams.set("columns", escaped.join(","));
  remember(escaped.join(","));
  visit(url.pathname + url.search);
});

document.addEventListener("htmx:afterSettle", setWidths);
setWidths();
