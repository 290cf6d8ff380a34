// Talking with the server and with people: posts, notices with an undo, questions.

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

/** What went wrong, in the server's words; with `now` if something is another thing by now than was thought. */
const refused = (answer, found) => Object.assign(new Error(found.error ?? `The server answered ${answer.status}.`), found);

/** The browser's own words for a server that is away ("Failed to fetch") tell nobody what has happened. */
async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Error("The server doesn't answer.");
  }
}

/** `body` may be text of JSON, which can say more than a number here. */
export async function post(path, body) {
  const sent = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await reach(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": meta("csrf"), Accept: "application/json" },
    body: sent,
    // Whoever goes on to another page at once has asked for it all the same; browsers allow that for 64 KiB.
    keepalive: sent.length < 20_000,
  });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw refused(answer, found);
  return found;
}

export async function get(path) {
  const answer = await reach(path, { headers: { Accept: "application/json" } });
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw refused(answer, found);
  return found;
}

/** What is at an address, as text. */
export async function read(path, kind = "text/html") {
  const answer = await reach(path, { headers: { Accept: kind } });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return answer.text();
}

/** Shows a notice; `undo` adds a button, `lines` what went wrong in detail, and a notice with any stays. */
export function toast(text, { undo = null, lines = [], isProblem = false } = {}) {
  const box = document.createElement("div");
  box.className = isProblem ? "toast problem" : "toast";
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  const button = (label, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", () => {
      box.remove();
      act?.();
    });
    box.append(made);
  };
  if (undo) button("Undo", undo);
  button("Close", null);
  if (lines.length) {
    const list = document.createElement("ul");
    for (const line of lines.slice(0, 20)) {
      const item = document.createElement("li");
      item.textContent = line;
      list.append(item);
    }
    box.append(list);
  }
  document.querySelector("#toasts").append(box);
  if (!lines.length && !isProblem) setTimeout(() => box.remove(), undo ? 12000 : 5000);
}

/** Asks in a dialog. Gives `{value, force}`, or null if somebody would rather not. */
export function ask({ title, text = "", list = [], field = "", check = "", yes = "OK", danger = false, options = [] }) {
  const dialog = document.querySelector("#ask");
  const part = (name) => dialog.querySelector(name);
  part("#ask-title").textContent = title;
  part("#ask-text").textContent = text;
  part("#ask-text").hidden = !text;
  part("#ask-list").replaceChildren(
    ...list.slice(0, 50).map((line) => Object.assign(document.createElement("li"), { textContent: line })),
  );
  part("#ask-field").hidden = !field;
  part("#ask-field span").textContent = field;
  part("#ask-check").hidden = !check;
  part("#ask-check span").textContent = check;
  part("#ask-yes").textContent = yes;
  part("#ask-yes").className = danger ? "danger" : "main";
  const [input, box] = [part("#ask-field input"), part("#ask-check input")];
  input.value = "";
  input.required = Boolean(field);
  box.checked = false;
  dialog.returnValue = "";
  dialog.showModal();
  if (field) input.focus();
  // Enter in the field means yes, and not the first button.
  input.onkeydown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (input.value.trim()) dialog.close("yes");
  };
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => resolve(dialog.returnValue === "yes" ? { value: input.value.trim(), force: box.checked } : null),
      { once: true },
    );
  });
}

export const models = (count) => `${count.toLocaleString("en")} model${count === 1 ? "" : "s"}`;

/** Reads those parts of the page anew that are marked for it; what has the focus keeps it, by its id. */
export async function reread() {
  if (document.querySelector("#view")) return refresh();
  const answer = await reach(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focus = document.activeElement?.id;
  for (const part of document.querySelectorAll("[data-reread]")) {
    const now = fresh.getElementById(part.id);
    if (now) part.replaceWith(document.adoptNode(now));
  }
  document.title = fresh.title;
  if (focus) document.getElementById(focus)?.focus();
  document.dispatchEvent(new CustomEvent("reread"));
}

/** Reads the table anew, where the reader is. */
export function refresh(url = location.pathname + location.search) {
  if (!document.querySelector("#view") && document.querySelector("[data-reread]")) return reread();
  if (document.querySelector("#view") && window.htmx) {
    return window.htmx.ajax("GET", url, { target: "#view", select: "#view", swap: "outerHTML show:none" });
  }
  location.assign(url);
  return Promise.resolve();
}
