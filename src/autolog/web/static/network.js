// Searching and editing the design, and opening the tree of tensors.

import { change } from "./model.js";
import { isAnother, once } from "./pressing.js";

const part = (name) => document.querySelector(name);
const MOST = 2000;
let text = null;
let was = null;
let at = -1;

const marks = () => [...document.querySelectorAll("#design-text mark")];

/** Marks what is looked for. The text itself stays the same. */
function find() {
  const pre = part("#design-text");
  if (!pre) return;
  text ??= pre.textContent;
  const wanted = part("#find").value.toLowerCase();
  const pieces = [];
  let done = 0;
  let count = 0;
  // Lower case may be of another length in a few languages: then only what is written alike is found.
  const low = text.toLowerCase().length === text.length ? text.toLowerCase() : text;
  for (let next = wanted ? low.indexOf(wanted) : -1; next >= 0 && count < MOST; count += 1) {
    pieces.push(text.slice(done, next));
    done = next + wanted.length;
    pieces.push(Object.assign(document.createElement("mark"), { textContent: text.slice(next, done) }));
    next = low.indexOf(wanted, done);
  }
  pre.replaceChildren(...pieces, text.slice(done));
  at = -1;
  if (count) step(1);
  else part("#found").textContent = wanted ? "nothing" : "";
}

function step(by) {
  const all = marks();
  if (!all.length) return;
  all[at]?.classList.remove("here");
  at = (at + by + all.length) % all.length;
  all[at].classList.add("here");
  all[at].scrollIntoView({ block: "nearest" });
  const most = all.length === MOST ? "+" : "";
  part("#found").textContent = `${at + 1} of ${all.length.toLocaleString("en")}${most}`;
}

const design = () => part("#design-text")?.textContent ?? "";

function showForm(isShown) {
  was = design();
  part("#design-form").hidden = !isShown;
  for (const each of ["#design-text", "#no-design", "#finder", "#edit-design", "#clear-design"]) {
    if (part(each)) part(each).hidden = isShown;
  }
  part(isShown ? "#design-new" : "#edit-design").focus();
}

document.addEventListener("input", (event) => {
  if (event.target.id === "find") find();
});

document.addEventListener("keydown", (event) => {
  if (event.target.id === "find" && event.key === "Enter") {
    event.preventDefault();
    step(event.shiftKey ? -1 : 1);
  } else if (event.target.id === "design-new") {
    if (event.key === "Escape") showForm(false);
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) part("#design-form").requestSubmit();
  }
});

const save = once(async () => {
  const { value: written, defaultValue } = part("#design-new");
  if (written === defaultValue) return showForm(false);
  const body = { design: written.trim() ? written : null, was };
  if (await change(body, "Design saved.", () => (was = undefined))) part("#edit-design")?.focus();
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "design-form") return;
  event.preventDefault();
  save();
});

document.addEventListener("click", (event) => {
  const on = (name) => event.target.closest(name);
  if (on("#edit-design")) showForm(true);
  else if (on("#cancel-design")) showForm(false);
  else if (on("#clear-design") && !isAnother(event)) change({ design: null, was: design() }, "Design cleared.");
  else if (on("#find-next")) step(1);
  else if (on("#find-previous")) step(-1);
  else if (on("[data-unfold]")) {
    for (const each of document.querySelectorAll(".tree details")) each.open = on("[data-unfold]").dataset.unfold === "1";
  }
});

document.addEventListener("reread", () => {
  text = null;
  at = -1;
});
