// The tables of labels and of metadata: a row becomes a form while it is edited.

import { change } from "./model.js";
import { toast } from "./speaking.js";

const KINDS = { text: "text", number: "number", "truth value": "truth value", JSON: "list or object (JSON)" };
const place = () => document.querySelector("#entries");
const isLabels = () => place().dataset.what === "labels";

/** The value that was written, as JSON has it; throws with words for people. */
function valueOf(kind, text) {
  if (isLabels()) {
    if (!/^\s*-?\d+\s*$/.test(text)) throw new Error("The id has to be a whole number.");
    return exact(Number(text));
  }
  if (kind === "text") return text;
  if (kind === "truth value") {
    if (!["true", "false"].includes(text.trim().toLowerCase())) throw new Error("A truth value is true or false.");
    return text.trim().toLowerCase() === "true";
  }
  if (kind === "number") {
    const found = Number(text);
    if (!text.trim() || !Number.isFinite(found)) throw new Error("That is no number.");
    return /^\s*-?\d+\s*$/.test(text) ? exact(found) : found;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`That is no JSON: ${error.message}`);
  }
}

function exact(number) {
  if (!Number.isSafeInteger(number)) throw new Error("A number this long can only be set in Python.");
  return number;
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
  const field = make("input", { value }, make("td", { className: isLabels() ? "n" : "" }, fields));
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
  const submit = async () => {
    const what = place().dataset.what;
    try {
      if (!name.value.trim()) throw new Error(isLabels() ? "A label can't be empty." : "A key can't be empty.");
      const body = { remove: row ? [key] : [], add: { [name.value.trim()]: valueOf(kind?.value, field.value) } };
      const done = await change({ [what]: body }, isLabels() ? "Label saved." : "Value saved.");
      if (done) document.querySelector("#add-entry").focus();
    } catch (error) {
      toast(error.message, { isProblem: true });
    }
  };
  save.addEventListener("click", submit);
  cancel.addEventListener("click", end);
  fields.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.target.matches("button")) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      end();
    }
  });
}

document.addEventListener("click", (event) => {
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
