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
