// Runs before anything is painted, so that nobody sees the other theme flash by.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    // Storage is switched off: as the system.
  }
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  document.documentElement.classList.add("scripted");
})();
