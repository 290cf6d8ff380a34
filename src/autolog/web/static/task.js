// A task's page: its archive, and the models that it has loaded, set by hand.

import { change } from "./model.js";
import { isAnother } from "./pressing.js";
import { ask, post, reread, toast } from "./speaking.js";

const address = () => document.querySelector("#artifacts").dataset.inputs;

async function set(body, told) {
  try {
    await post(address(), body);
    await reread();
    toast(told);
  } catch (error) {
    toast(error.message, { isProblem: true });
  }
}

async function connect() {
  const text = "An id, its beginning, or a name; with :v3 or @alias behind it for a version that isn't the newest.";
  const said = await ask({ title: "Add an input model", text, field: "Model", yes: "Add" });
  if (said) await set({ connect: said.value }, "Input model added.");
}

/** It may have been loaded in several versions: all of them go, and all come back as they were recorded. */
async function disconnect(id) {
  try {
    const { undo } = await post(address(), { disconnect: id });
    await reread();
    toast("Input model removed.", { undo: () => set(undo, "Input model added again.") });
  } catch (error) {
    toast(error.message, { isProblem: true });
  }
}

document.addEventListener("click", (event) => {
  if (isAnother(event)) return;
  const at = (selector) => event.target.closest(selector);
  if (at("#archive")) {
    const isArchived = Boolean(at("#archive").dataset.archived);
    change({ archived: !isArchived }, isArchived ? "Task taken out of the archive." : "Task archived.");
  } else if (at("#connect")) connect();
  else if (at("[data-disconnect]")) disconnect(at("[data-disconnect]").dataset.disconnect);
});
