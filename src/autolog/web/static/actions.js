// What can be done to models, from the bar below the table and from the menu of a row.

import { ask, get, models, post, refresh, toast } from "./speaking.js";

const DONE = {
  publish: "published",
  archive: "archived",
  restore: "restored",
  tag: "tagged",
  untag: "no longer tagged",
  move: "moved",
  delete: "deleted",
};
const UNDO = { archive: "restore", restore: "archive", tag: "untag", untag: "tag" };

/** Who needs these models. An address holds only so many ids. */
async function needs({ all, ids }) {
  if (all) return get(`/models/uses.json?all=${encodeURIComponent(all)}`);
  const found = { uses: [], published: 0 };
  for (let at = 0; at < ids.length; at += 500) {
    const some = ids.slice(at, at + 500).map((id) => `id=${encodeURIComponent(id)}`);
    const { uses, published } = await get(`/models/uses.json?${some.join("&")}`);
    found.uses.push(...uses);
    found.published += published;
  }
  return found;
}

async function confirmed(action, which, count) {
  if (action === "publish") {
    return ask({
      title: `Publish ${models(count)}?`,
      text: "Weights, design and labels don't change any more. This can't be undone.",
      yes: "Publish",
    });
  }
  if (action === "tag" || action === "untag") {
    const title = action === "tag" ? `Add a tag to ${models(count)}` : `Take a tag away from ${models(count)}`;
    return ask({ title, field: "Tag", yes: action === "tag" ? "Add" : "Remove" });
  }
  if (action === "move") return ask({ title: `Move ${models(count)}`, field: "Project", yes: "Move" });
  if (action !== "delete") return { value: "", force: false };
  const { uses, published } = await needs(which);
  const users = new Map(uses.map((each) => [`${each.model_id} ${each.task.id}`, each]));
  const held = [users.size ? "that tasks have loaded" : "", published ? "that are published" : ""].filter(Boolean);
  return ask({
    title: `Delete ${models(count)} for good?`,
    text:
      "Their versions go, and the bytes that are kept of them. Files at their own paths stay. This can't be undone." +
      (published ? ` ${models(published)} of them ${published === 1 ? "is" : "are"} published.` : "") +
      (users.size ? " Tasks have loaded some of them:" : ""),
    list: [...users.values()].map((each) => `${each.name} was loaded by ${each.task.name}`),
    check: held.length ? `Also those ${held.join(" or ")}` : "",
    yes: "Delete",
    danger: true,
  });
}

/** Does it, after asking where that is due; what the server says then, or null if nothing was done. */
export async function act(action, which, count, show = refresh) {
  let answer;
  try {
    const said = await confirmed(action, which, count);
    if (!said) return null;
    answer = await post(`/models/actions/${action}`, { ...which, ...said });
    await show();
    tell(action, said, answer);
  } catch (error) {
    toast(error.message, { isProblem: true });
    // Others match by now: whoever asks again is to see which.
    if ("now" in error) await show();
    return null;
  }
  return answer;
}

function tell(action, said, answer) {
  const back = UNDO[action];
  const undo = async () => {
    try {
      await post(`/models/actions/${back}`, { ids: answer.changed, value: said.value });
      await refresh();
    } catch (error) {
      toast(error.message, { isProblem: true });
    }
  };
  if (answer.done.length) {
    toast(`${models(answer.done.length)} ${DONE[action]}.`, { undo: back && answer.changed.length ? undo : null });
  }
  if (answer.failed.length) {
    const lines = answer.failed.map((each) => `${each.name || each.id.slice(0, 8)}: ${each.error}`);
    toast(`${models(answer.failed.length)} could not be ${DONE[action]}.`, { lines, isProblem: true });
  }
}
