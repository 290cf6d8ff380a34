// The tabs of a model beside the list: parts of its own page, fetched when they are asked for.

import { read, toast } from "./speaking.js";

let latest = null;

/** What a tab's page has in its head and this one hasn't. */
async function fetchWhatItNeeds(page) {
  for (const link of page.querySelectorAll("head link[rel=stylesheet]")) {
    const address = link.getAttribute("href");
    if (!document.querySelector(`head link[href="${address}"]`)) document.head.append(document.importNode(link));
  }
  const scripts = [...page.querySelectorAll('head script[type=module][src^="/static/"]')];
  await Promise.all(scripts.map((each) => import(each.getAttribute("src"))));
}

async function load() {
  const place = document.querySelector("#detail[data-tab]");
  if (!place || place === latest) return;
  latest = place;
  const address = place.dataset.tab;
  try {
    const page = new DOMParser().parseFromString(await read(address), "text/html");
    const parts = [...page.querySelectorAll("nav.tabs ~ *")];
    // A form without an address means the page that it was on.
    for (const form of page.querySelectorAll("form:not([action])")) form.setAttribute("action", address);
    // The reader may have gone on.
    if (!place.isConnected) return;
    place.replaceChildren(...parts.map((each) => document.adoptNode(each)));
    window.htmx.process(place);
    await fetchWhatItNeeds(page);
    document.dispatchEvent(new CustomEvent("reread"));
  } catch (error) {
    toast(error.message, { isProblem: true });
  }
}

document.addEventListener("htmx:afterSettle", load);
load();
