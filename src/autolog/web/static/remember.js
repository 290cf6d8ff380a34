// The columns that somebody has chosen last in the table of a project: noted when they are chosen, and put into
// the addresses of that table (recall.js does so for those that come from elsewhere).

const project = () => document.querySelector("#view")?.dataset.project ?? "";
const place = (name) => `columns:${name}`;

/** Notes the columns of an address as those of the project shown; without any, the usual ones are meant again. */
export function remember(columns) {
  try {
    if (columns) localStorage.setItem(place(project()), columns);
    else localStorage.removeItem(place(project()));
  } catch {
    // Storage is switched off: they are in the address.
  }
}

function remembered(name) {
  try {
    return localStorage.getItem(place(name));
  } catch {
    return null;
  }
}

/** Which columns the table of another project is to have; those here go along unless they are remembered as ours. */
function columnsFor(name, columns) {
  return remembered(name) ?? (columns === remembered(project()) ? null : columns);
}

const escaped = (key) => key.replaceAll("%", "%25").replaceAll(",", "%2C");

document.addEventListener("submit", ({ target: form, submitter }) => {
  if (submitter?.formAction && submitter.hasAttribute("formaction")) return;
  const fields = new FormData(form);
  if (form.matches("form.columns")) {
    const chosen = fields.getAll("column").map(escaped).join(",");
    remember(chosen === form.dataset.usual ? null : chosen);
  } else if (form.matches("form.filters")) {
    const name = fields.get("project") ?? "";
    if (name === project()) return;
    const field = form.querySelector("input[name=columns]");
    const columns = columnsFor(name, field?.value ?? null);
    if (field) field.value = columns ?? "";
    else if (columns) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "columns", value: columns }));
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-usual-columns]")) remember(null);
});

// A link to the table of another project.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!detail.boosted) return;
  const url = new URL(detail.path, location.href);
  const name = url.searchParams.get("project") ?? "";
  if (!/^\/(models|archive)$/.test(url.pathname) || name === project()) return;
  const columns = columnsFor(name, url.searchParams.get("columns"));
  if (columns) url.searchParams.set("columns", columns);
  else url.searchParams.delete("columns");
  detail.path = url.pathname + url.search;
});
