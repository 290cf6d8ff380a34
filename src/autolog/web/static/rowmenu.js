// The menu of a row: one for all of them, put where it is asked for.

import { act } from "./actions.js";
import { chosenIds, forget } from "./selection.js";
import { get } from "./speaking.js";

let row = null;
let opener = null;
const menu = () => document.querySelector("#row-menu");
const items = () => [...menu().querySelectorAll("[role=menuitem]:not([hidden])")];

/** A download is only offered where there is one: that is asked when somebody looks. */
async function offer(link, id) {
  link.href = `/models/${encodeURIComponent(id)}/download`;
  link.title = "";
  link.removeAttribute("aria-disabled");
  const { version, why } = await get(`${link.getAttribute("href")}.json`).catch(() => ({ version: 0 }));
  if (version !== null || row?.dataset.id !== id) return;
  link.removeAttribute("href");
  link.title = why;
  link.tabIndex = -1;
  link.setAttribute("aria-disabled", "true");
}

function open(button, x, y) {
  row = button.closest("tr");
  opener = button;
  const link = menu().querySelector("[data-row=open]");
  link.href = `/models/${encodeURIComponent(row.dataset.id)}`;
  const load = menu().querySelector("[data-row=download]");
  if (load) offer(load, row.dataset.id);
  const publish = menu().querySelector("[data-row=publish]");
  if (publish) publish.hidden = row.dataset.status === "published";
  // Measured where there is room for it.
  menu().style.left = "0";
  menu().showPopover();
  const { width, height } = menu().getBoundingClientRect();
  menu().style.left = `${Math.max(4, Math.min(x, document.documentElement.clientWidth - width - 8))}px`;
  menu().style.top = `${Math.max(4, Math.min(y, innerHeight - height - 8))}px`;
  items()[0].focus();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.more");
  if (button) {
    const { right, bottom } = button.getBoundingClientRect();
    open(button, right - 180, bottom + 2);
    return;
  }
  const item = event.target.closest("#row-menu [data-row]");
  if (!item) return;
  menu().hidePopover();
  if (item.localName === "a") return;
  const which = { ids: [row.dataset.id] };
  if (item.dataset.row === "compare") {
    const ids = new Set([row.dataset.id, ...chosenIds()]);
    location.assign(`/compare?${[...ids].map((id) => `m=${encodeURIComponent(id)}`).join("&")}`);
  } else {
    const answer = await act(item.dataset.row, which, 1);
    if (answer && ["archive", "restore", "delete"].includes(item.dataset.row)) await forget(answer.done);
  }
});

document.addEventListener("contextmenu", (event) => {
  const at = event.target.closest("#table tbody tr");
  // Over text and links the browser's own menu is what people want.
  if (!at || event.target.closest("a, code, input") || !getSelection().isCollapsed) return;
  event.preventDefault();
  open(at.querySelector("button.more"), event.clientX, event.clientY);
});

document.addEventListener("keydown", (event) => {
  if (!event.target.closest?.("#row-menu")) return;
  const all = items();
  const at = all.indexOf(document.activeElement);
  if (event.key === "ArrowDown") all[(at + 1) % all.length].focus();
  else if (event.key === "ArrowUp") all[(at + all.length - 1) % all.length].focus();
  else if (event.key === "Escape") {
    menu().hidePopover();
    opener?.focus();
  } else return;
  event.preventDefault();
});
