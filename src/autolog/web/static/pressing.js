// What is pressed twice, as people do, is meant once.

/** The same, but what is asked for again while it is under way is done once: people press twice. */
export function once(act) {
  let isUnderWay = false;
  return async () => {
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      await act();
    } finally {
      isUnderWay = false;
    }
  };
}

/** Whether a click is another one of a double click: by then something else may stand under the pointer. */
export const isAnother = (event) => event.detail > 1;

// The bar of what is selected goes when something in it is pressed: the row below it isn't what a second click means.
let bar = null;
document.addEventListener("mousedown", (event) => {
  if (!isAnother(event)) bar = event.target.closest("#selection");
});
for (const kind of ["click", "dblclick"]) {
  const leave = (event) => {
    if (!bar || !isAnother(event) || bar.contains(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener(kind, leave, true);
}
