// Shows the current node in the middle of a graph that is larger than its place.

const place = document.querySelector("#graph");
const current = document.querySelector("#current rect");

if (place && current) {
  const own = current.getBoundingClientRect();
  const around = place.getBoundingClientRect();
  place.scrollLeft += own.left + own.width / 2 - around.left - around.width / 2;
  place.scrollTop += own.top + own.height / 2 - around.top - around.height / 2;
}
