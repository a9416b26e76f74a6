// The panel beside the chat that shows a citation's page with the evidence boxed.

import { part, toast } from "./server.js";

const panel = document.getElementById("evidence");
const backdrop = document.getElementById("evidence-backdrop");
const behind = document.querySelectorAll(".chat-list, .chat-main, .topbar");
// Where there is no room beside the chat, the panel lies over it.
const over = matchMedia("(max-width: 72rem)");
const ZOOMS = [1, 1.5, 2, 3, 4];

let opener = null;
let latest = 0;
let zoom = 1;

/** Show the source at `url`; closing the panel returns the focus to `from`. */
async function open(url, from) {
  const step = from.closest("#evidence")?.contains(from) ? from.dataset.step : null;
  if (!panel.contains(from)) opener = from;
  const request = ++latest;
  panel.setAttribute("aria-busy", "true");
  const content = await load(url);
  if (request !== latest) return;
  panel.removeAttribute("aria-busy");
  if (!content) return close();
  panel.replaceChildren(content);
  show();
  const next = step && panel.querySelector(`[data-step="${step}"]`);
  (next || panel).focus({ preventScroll: true });
}

async function load(url) {
  const found = await part(url);
  if (!found) toast("This source could not be opened. Try again, or reload the page.", "error");
  return found;
}

/** Go on to the next source (1) or back (-1); without a source shown, to the latest answer's first. */
export function step(direction) {
  const link = panel.hidden
    ? firstOfLatest()
    : panel.querySelector(`[data-step="${direction > 0 ? "next" : "previous"}"]`);
  if (link) open(link.href, link);
}

function firstOfLatest() {
  const answers = [...document.querySelectorAll(".answer")];
  return answers.at(-1)?.querySelector("a[data-number]");
}

function show() {
  const wasHidden = panel.hidden;
  panel.hidden = false;
  panel.scrollTop = 0;
  layOver();
  setZoom(1);
  centreBox();
  markActive();
  if (wasHidden) opener?.scrollIntoView({ block: "nearest" });
}

function close() {
  latest += 1;
  panel.hidden = true;
  panel.replaceChildren();
  layOver();
  markActive();
  opener?.focus({ preventScroll: true });
  opener = null;
}

function layOver() {
  const isOver = !panel.hidden && over.matches;
  backdrop.hidden = !isOver;
  for (const element of behind) element.inert = isOver;
}

/** Light up what stands for the source that is shown: marks in the text and its card. */
function markActive() {
  for (const element of document.querySelectorAll(".citation.active, .source.active")) {
    element.classList.remove("active");
  }
  const shown = panel.querySelector("[data-citation-number]");
  const answer = shown && document.getElementById(`answer-${shown.dataset.answer}`);
  const number = shown?.dataset.citationNumber;
  for (const element of answer?.querySelectorAll(`[data-citation="${number}"], [data-number="${number}"]`) ?? []) {
    element.classList.add("active");
  }
}

function setZoom(factor) {
  zoom = factor;
  const sheet = panel.querySelector("[data-page-sheet]");
  if (sheet) sheet.style.width = `${zoom * 100}%`;
}

function zoomBy(direction) {
  const place = Math.max(0, ZOOMS.indexOf(zoom)) + direction;
  setZoom(ZOOMS[Math.min(Math.max(place, 0), ZOOMS.length - 1)]);
  centreBox();
}

function centreBox() {
  const view = panel.querySelector(".page-view-scroll");
  const box = view?.querySelector("rect")?.getBoundingClientRect();
  if (!box) return;
  const frame = view.getBoundingClientRect();
  // A box taller than the view starts at the top; a smaller one stands in the middle.
  const above = Math.max(12, (frame.height - box.height) / 2);
  const beside = Math.max(12, (frame.width - box.width) / 2);
  view.scrollBy(box.left - frame.left - beside, box.top - frame.top - above);
}

const ZOOM_ACTIONS = { in: () => zoomBy(1), out: () => zoomBy(-1), fit: () => { setZoom(1); centreBox(); } };

document.addEventListener("click", (event) => {
  const target = event.target;
  if (target === backdrop || target.closest("[data-evidence-close]")) return close();
  const zoomButton = target.closest("#evidence [data-zoom]");
  if (zoomButton) return ZOOM_ACTIONS[zoomButton.dataset.zoom]();
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const mark = target.closest(".citation");
  const card = mark?.closest(".answer")?.querySelector(`[data-number="${mark.dataset.citation}"]`);
  const link = card ?? target.closest("[data-evidence]");
  if (!link) return;
  event.preventDefault();
  open(link.href, mark ?? link);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || panel.hidden || event.defaultPrevented) return;
  if (document.querySelector("dialog[open], details.menu[open]")) return;
  close();
});

over.addEventListener("change", layOver);
