// What every page has: theme, help, copy buttons, panels, and keys that lead to other pages.

import { isAnother } from "./pressing.js";
import { read, toast } from "./speaking.js";

const root = document.documentElement;
const THEMES = { "": "as the system", light: "light", dark: "dark" };

function showTheme() {
  const button = document.querySelector("#theme");
  if (button) button.setAttribute("aria-label", `Theme: ${THEMES[root.dataset.theme ?? ""]}`);
}

function nextTheme() {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(root.dataset.theme ?? "") + 1) % names.length];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  try {
    if (next) localStorage.setItem("theme", next);
    else localStorage.removeItem("theme");
  } catch {
    // Storage is switched off: it holds for this page.
  }
  showTheme();
}

async function copy(button) {
  const from = document.querySelector(button.dataset.copy);
  // What a page shows otherwise than it is, is read from where it is.
  const address = button.dataset.copyFrom;
  let text;
  try {
    text = address ? await read(address, "*/*") : from.textContent.trim();
  } catch (error) {
    toast(error.message, { isProblem: true });
    return;
  }
  try {
    await navigator.clipboard.writeText(text);
    button.dataset.label ??= button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = button.dataset.label), 1500);
  } catch {
    // A browser that doesn't let us: select it, so that a key will do.
    getSelection().selectAllChildren(from);
    toast("Press Ctrl-C to copy it.");
  }
}

async function openPanel(link) {
  const panel = document.querySelector("#panel");
  await window.htmx.ajax("GET", link.getAttribute("href").split("#")[0], {
    target: "#panel-content",
    select: "#panel-content",
    swap: "outerHTML show:none",
  });
  if (!panel.open) panel.showModal();
  const part = link.hash ? document.getElementById(decodeURIComponent(link.hash.slice(1))) : null;
  part?.scrollIntoView({ block: "nearest" });
  (part ?? panel).querySelector("input:not([type=hidden]), a, button")?.focus();
}

document.addEventListener("click", (event) => {
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey) && event.button === 0;
  const at = (selector) => event.target.closest(selector);
  if (at("#theme")) nextTheme();
  else if (at("[data-copy]")) copy(at("[data-copy]"));
  else if (at("[data-close]")) at("dialog").close();
  else if (plain && at("#help")) {
    event.preventDefault();
    document.querySelector("#keys").showModal();
  } else if (plain && at("[data-panel]") && document.querySelector("#panel")) {
    event.preventDefault();
    openPanel(at("[data-panel]"));
  } else if (event.target.matches("dialog") && !isAnother(event)) {
    // Beside it.
    const { left, right, top, bottom } = event.target.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    if (x < left || x > right || y < top || y > bottom) event.target.close();
  }
  // A menu closes when one clicks elsewhere, or has chosen something.
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) || at("a")) menu.open = false;
  }
});

export const isTyping = (event) =>
  event.target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") !== null;

export const isBusy = () => document.querySelector("dialog[open]") !== null;

let began = -Infinity;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || isBusy()) return;
  if (event.key === "?") {
    event.preventDefault();
    document.querySelector("#keys").showModal();
  } else if (event.key === "g") {
    began = event.timeStamp;
  } else if (event.timeStamp - began < 1500) {
    began = -Infinity;
    const link = [...document.querySelectorAll("[data-keys]")].find((each) => each.dataset.keys === `g ${event.key}`);
    if (link) location.assign(link.href);
  }
});

// In a field that searches while one types, Enter isn't what sends the form around it.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.(".find input")) event.preventDefault();
});

// What can't be shown in a part of the page is shown as a page.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail;
  if (xhr.status === 200 || xhr.status === 400) return;
  event.detail.shouldSwap = false;
  location.assign(pathInfo.responsePath ?? pathInfo.requestPath);
});
document.addEventListener("htmx:sendError", () => toast("The server doesn't answer.", { isProblem: true }));

showTheme();
