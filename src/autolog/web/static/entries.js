// The tables of labels and of metadata: a row becomes a form while it is edited.

import { change } from "./model.js";
import { isAnother, once } from "./pressing.js";
import { toast } from "./speaking.js";

const KINDS = { text: "text", number: "number", "truth value": "truth value", JSON: "list or object (JSON)" };
const place = () => document.querySelector("#entries");
const isLabels = () => place().dataset.what === "labels";

/** The value that was written, as text of JSON: numbers stay as they are written. Throws with words for people. */
function valueOf(kind, text) {
  const word = text.trim().replace(/^(-?)\+?0*(?=\d)/, "$1");
  if (isLabels()) {
    if (!/^-?\d+$/.test(word)) throw new Error("The id has to be a whole number.");
    return word;
  }
  if (kind === "text") return JSON.stringify(text);
  if (kind === "truth value") {
    if (!["true", "false"].includes(word.toLowerCase())) throw new Error("A truth value is true or false.");
    return word.toLowerCase();
  }
  if (kind === "number") {
    if (!word || !Number.isFinite(Number(word))) throw new Error("That is no number.");
    return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(word) ? word : String(Number(word));
  }
  try {
    JSON.parse(text, (_, value) => {
      if (typeof value === "number" && !Number.isFinite(value)) throw new Error("a number is too large");
      return value;
    });
  } catch (error) {
    throw new Error(`That is no JSON: ${error.message}`);
  }
  return text;
}

/** What is sent: an entry in the place of another one, which `was` something, or a new one. The values are text of JSON. */
function written(what, key, name, value, was) {
  const [of, remove, add, old] = [what, key === null ? [] : [key], name, key].map((each) => JSON.stringify(each));
  return `{${of}: {"remove": ${remove}, "add": {${add}: ${value}}}${was === null ? "" : `, "was": {${old}: ${was}}`}}`;
}

function make(name, properties, parent) {
  const made = Object.assign(document.createElement(name), properties);
  parent?.append(made);
  return made;
}

/** A row with fields in it, in the place of `row`, or at the top for a new entry. */
function edit(row) {
  place().querySelector("tr.editing [data-cancel]")?.click();
  place().querySelector(".scroll").hidden = false;
  const [key, value] = [row?.dataset.key ?? "", row?.dataset.value ?? ""];
  const fields = make("tr", { className: "editing" });
  const name = make("input", { value: key, maxLength: 1000 }, make("td", {}, fields));
  name.setAttribute("aria-label", isLabels() ? "Label" : "Key");
  let kind = null;
  if (!isLabels()) {
    kind = make("select", {}, make("td", {}, fields));
    kind.setAttribute("aria-label", "Type");
    for (const [each, title] of Object.entries(KINDS)) make("option", { value: each, textContent: title }, kind);
    kind.value = row ? (row.dataset.kind in KINDS ? row.dataset.kind : "JSON") : "text";
  }
  // A field of one line would take the line breaks away.
  const field = make(isLabels() ? "input" : "textarea", { value }, make("td", { className: isLabels() ? "n" : "" }, fields));
  if (!isLabels()) field.rows = Math.min(12, value.split("\n").length + Math.floor(value.length / 60));
  const before = { value: field.value, kind: kind?.value };
  const isSame = () => row && field.value === before.value && kind?.value === before.kind;
  const isLong = () => ["text", "JSON"].includes(kind?.value);
  let was = row ? (before.kind === "text" ? JSON.stringify(value) : value) : null;
  field.setAttribute("aria-label", isLabels() ? "Id" : "Value");
  if (isLabels()) field.inputMode = "numeric";
  const buttons = make("td", { className: "end" }, fields);
  const save = make("button", { type: "button", textContent: "Save", className: "main small" }, buttons);
  const cancel = make("button", { type: "button", textContent: "Cancel", className: "small" }, buttons);
  cancel.dataset.cancel = "";
  if (row) {
    row.hidden = true;
    row.before(fields);
  } else place().querySelector("tbody").prepend(fields);
  (row && isLabels() ? field : name).focus();

  const end = () => {
    fields.remove();
    if (row) row.hidden = false;
    place().querySelector(".scroll").hidden = !place().querySelector("tbody tr");
    (row?.querySelector("[data-entry=edit]") ?? document.querySelector("#add-entry"))?.focus();
  };
  const submit = once(async () => {
    const { what } = place().dataset;
    const called = name.value.trim();
    try {
      if (!called) throw new Error(isLabels() ? "A label can't be empty." : "A key can't be empty.");
      if (isSame() && called === key) return end();
      // A value that nobody has touched stays at the server.
      const body = isSame() ? { [what]: { rename: { [key]: called } } } : written(what, row && key, called, valueOf(kind?.value, field.value), was);
      const done = await change(body, isLabels() ? "Label saved." : "Value saved.", () => (was = null));
      if (done) document.querySelector("#add-entry").focus();
    } catch (error) {
      toast(error.message, { isProblem: true });
    }
  });
  save.addEventListener("click", submit);
  cancel.addEventListener("click", end);
  fields.addEventListener("keydown", (event) => {
    const isLine = event.target === field && isLong() && !event.ctrlKey && !event.metaKey;
    if (event.key === "Enter" && !event.target.matches("button") && !isLine) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      end();
    }
  });
}

document.addEventListener("click", (event) => {
  if (isAnother(event)) return;
  if (event.target.closest("#add-entry")) return edit(null);
  const button = event.target.closest("[data-entry]");
  const row = button?.closest("tr");
  if (!row) return;
  if (button.dataset.entry === "edit") edit(row);
  else {
    change({ [place().dataset.what]: { remove: [row.dataset.key] } }, `${row.dataset.key.slice(0, 60)} removed.`).then(() =>
      document.querySelector("#add-entry")?.focus(),
    );
  }
});
