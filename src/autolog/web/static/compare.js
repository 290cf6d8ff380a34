// Going from one difference of the designs to the next.

import { isBusy, isTyping } from "./site.js";

let at = -1;
const differences = () => [...document.querySelectorAll("#designs .difference")];

function step(by) {
  const all = differences();
  if (!all.length) return;
  for (const each of all) each.classList.remove("here");
  at = at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length;
  all[at].classList.add("here");
  // In a tree it may be folded away.
  for (let each = all[at].parentElement.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
  all[at].scrollIntoView({ block: "center" });
  document.querySelector("#difference-at").textContent = `${at + 1} of `;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#next-difference")) step(1);
  else if (event.target.closest("#previous-difference")) step(-1);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || isBusy()) return;
  if (!document.querySelector("#next-difference")) return;
  if (event.key === "n") step(1);
  else if (event.key === "p") step(-1);
});
