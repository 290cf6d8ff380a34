// Says that something has come, and lets the reader decide when to look at it.

const SECONDS = 1.5;

async function look() {
  const line = document.querySelector("#live");
  if (!line || document.hidden) return;
  const address = line.dataset.news;
  try {
    const url = new URL(address, location.href);
    url.searchParams.set("since", line.dataset.since);
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { versions, text = words(versions) } = await answer.json();
    // The table may have been read anew meanwhile.
    if (line !== document.querySelector("#live")) return;
    tell(line, text);
  } catch {
    // The server has been stopped: nothing to tell.
  }
}

const words = (versions) => (versions ? `${versions.toLocaleString("en")} new version${versions === 1 ? "" : "s"}` : "");

function tell(line, text) {
  if (text === (line.dataset.told ?? "")) return;
  line.dataset.told = text;
  line.replaceChildren();
  if (!text) return;
  const link = document.createElement("a");
  link.href = line.dataset.href;
  link.textContent = "show";
  link.id = "show-news";
  // A page of its own stays where the reader is in it.
  if (line.matches(".floating")) link.addEventListener("click", (event) => (event.preventDefault(), location.reload()));
  line.append(`${text}, `, link);
}

async function watch() {
  await look();
  setTimeout(watch, SECONDS * 1000);
}

setTimeout(watch, SECONDS * 1000);
