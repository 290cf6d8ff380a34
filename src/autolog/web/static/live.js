// Says that versions have come, and lets the reader decide when to look at them.

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
    const { versions } = await answer.json();
    // The table may have been read anew meanwhile.
    if (line !== document.querySelector("#live")) return;
    tell(line, versions);
  } catch {
    // The server has been stopped: nothing to tell.
  }
}

function tell(line, versions) {
  if (String(versions) === (line.dataset.told ?? "0")) return;
  line.dataset.told = versions;
  line.replaceChildren();
  if (!versions) return;
  const link = document.createElement("a");
  link.href = line.dataset.href;
  link.textContent = "show";
  link.id = "show-news";
  line.append(`${versions.toLocaleString("en")} new version${versions === 1 ? "" : "s"}, `, link);
}

async function watch() {
  await look();
  setTimeout(watch, SECONDS * 1000);
}

setTimeout(watch, SECONDS * 1000);
