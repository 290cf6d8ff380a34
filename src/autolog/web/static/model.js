// The header of a model's page, and texts that are edited where they stand.

import { act } from "./actions.js";
import { isAnother, once } from "./pressing.js";
import { ask, post, reread, toast } from "./speaking.js";

/** A task's page has such a header, too. */
const head = () => document.querySelector("#model-head, #task-head");
const id = () => head().dataset.id;

/** Changes the model, shows it, and offers to take that back. Gives whether it worked.
 *  `overtaken` is called if what is there isn't what `was` in the body says: the body is kept, to be sent without it. */
export async function change(body, told, overtaken = null) {
  const address = head().dataset.address ?? `/models/${encodeURIComponent(id())}/edit`;
  try {
    const { changed, undo, undo_text: back = undo } = await post(address, body);
    await reread();
    if (changed) toast(told, { undo: () => takeBack(address, back) });
  } catch (error) {
    const isOvertaken = "now" in error;
    toast(isOvertaken && overtaken ? `${error.message}. Save again to replace that.` : error.message, { isProblem: true });
    if (isOvertaken) await (overtaken ?? reread)();
    return false;
  }
  return true;
}

async function takeBack(address, undo) {
  try {
    await post(address, undo);
    await reread();
  } catch (error) {
    toast(error.message, { isProblem: true });
    if ("now" in error) await reread();
  }
}

// -- texts ------------------------------------------------------------------------------------------------

function begin(place) {
  const shown = place.querySelector("[data-text]");
  const form = document.createElement("form");
  form.className = "inline-edit";
  const isLong = place.dataset.long !== undefined;
  const field = document.createElement(isLong ? "textarea" : "input");
  if (isLong) field.rows = 4;
  else field.required = true;
  field.value = shown.textContent;
  field.setAttribute("aria-label", place.dataset.label);
  if (place.dataset.list) field.setAttribute("list", place.dataset.list.slice(1));
  const button = (text, kind) => Object.assign(document.createElement("button"), { textContent: text, type: kind });
  const save = button("Save", "submit");
  save.className = "main";
  const cancel = button("Cancel", "button");
  form.append(field, save, cancel);
  const hidden = [...shown.parentElement.children].filter((each) => !each.matches("#model-actions, .gap, datalist"));
  for (const each of hidden) each.hidden = true;
  // A field of one line has no line breaks, whatever it was given.
  const before = field.value;
  let was = shown.textContent;
  shown.before(form);
  field.focus();
  field.select();
  const end = () => {
    form.remove();
    for (const each of hidden) each.hidden = false;
    place.querySelector("[data-begin]")?.focus();
  };
  cancel.addEventListener("click", end);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      end();
    } else if (event.key === "Enter" && isLong && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  const send = once(async () => {
    if (field.value === before) return end();
    const opener = place.querySelector("[data-begin]")?.id;
    const body = { [place.dataset.edit]: field.value, was };
    const done = await change(body, `${place.dataset.label} changed.`, () => (was = undefined));
    if (done) document.getElementById(opener)?.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
}

// -- tags, aliases, what is done to it ----------------------------------------------------------------------

async function addTag() {
  const said = await ask({ title: "Add a tag", field: "Tag", yes: "Add" });
  if (said) await change({ tags: { add: [said.value] } }, "Tag added.");
}

async function addAlias(version) {
  const text = version ? `It will stand for version ${version}.` : "It will stand for the newest version.";
  const said = await ask({ title: "Add an alias", text, field: "Alias", yes: "Add" });
  if (said) await change({ aliases: { add: { [said.value]: version === null ? null : Number(version) } } }, "Alias added.");
}

async function perform(action) {
  // What is gone can't be shown anew.
  const answer = await act(action, { ids: [id()] }, 1, action === "delete" ? () => {} : reread);
  if (action === "delete" && answer?.done.length) location.assign("/archive");
}

document.addEventListener("click", (event) => {
  if (isAnother(event)) return;
  const at = (selector) => event.target.closest(selector);
  if (at("[data-begin]")) begin(at("[data-edit]"));
  else if (at("[data-act]")) perform(at("[data-act]").dataset.act);
  else if (at("#add-tag")) addTag();
  else if (at("#add-alias")) addAlias(null);
  else if (at("[data-alias-of]")) addAlias(at("[data-alias-of]").dataset.aliasOf);
  else if (at("[data-untag]")) {
    change({ tags: { remove: [at("[data-untag]").dataset.untag] } }, "Tag removed.").then(() =>
      document.querySelector("#add-tag")?.focus(),
    );
  } else if (at("[data-unalias]")) {
    change({ aliases: { remove: [at("[data-unalias]").dataset.unalias] } }, "Alias removed.").then(() =>
      document.querySelector("#add-alias")?.focus(),
    );
  }
});
