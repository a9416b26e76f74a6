// Where the chat is scrolled to: it follows the answer only for whoever is at its end.

const NEAR = 40;

const scroller = document.getElementById("scroller");
const turns = document.getElementById("turns");
const toLatest = document.getElementById("to-latest");

let atEnd = true;
let lastTop = 0;

const distance = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;

export function goToEnd(behavior = "instant") {
  atEnd = true;
  scroller.scrollTo({ top: scroller.scrollHeight, behavior });
}

/** Change what is shown, and keep the turn at this place where it is in the window. */
export function keepInPlace(place, change) {
  const topOf = () => turns.children[place]?.getBoundingClientRect().top ?? 0;
  const before = topOf();
  atEnd = false;
  change();
  scroller.scrollTop += topOf() - before;
  lastTop = scroller.scrollTop;
}

scroller.addEventListener("scroll", () => {
  // Only scrolling up leaves the end: while text arrives, the end moves away by itself.
  if (distance() < NEAR) atEnd = true;
  else if (scroller.scrollTop < lastTop) atEnd = false;
  lastTop = scroller.scrollTop;
  toLatest.hidden = atEnd;
}, { passive: true });

new ResizeObserver(() => {
  if (atEnd) goToEnd();
  toLatest.hidden = atEnd;
}).observe(turns);
new ResizeObserver(() => atEnd && goToEnd()).observe(scroller);

toLatest.addEventListener("click", () => goToEnd("smooth"));

if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
else goToEnd();
atEnd = distance() < NEAR;
