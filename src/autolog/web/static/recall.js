// Runs before the table is painted: an address that says nothing of columns has those that were last chosen there.
(() => {
  const url = new URL(location.href);
  const { searchParams: asked } = url;
  if (!/^\/(models|archive)$/.test(url.pathname) || asked.get("columns") || asked.get("view") === "split") return;
  let columns = null;
  try {
    columns = localStorage.getItem(`columns:${asked.get("project") ?? ""}`);
  } catch {
    // Storage is switched off: the usual ones.
  }
  if (!columns) return;
  asked.set("columns", columns);
  location.replace(url);
})();
