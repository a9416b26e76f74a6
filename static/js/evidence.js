// The panel beside the chat that shows a citation's page with the evidence boxed.

import { part, toast } from "./server.js";

const panel = document.getElementById("evidence");
const backdrop = document.getElementById("evidence-backdrop");
const behind = document.querySelectorAll(".chat-list, .chat-main, .topbar");
// Where there is no room beside the chat, the panel lies over it.
const over = matchMedia("(max-width: 72rem)");
const ZOOMS = [1, 1.5, 2, 3, 4];

// A column of text is enlarged so far at once that it fills the view.
const LARGEST_FIRST_ZOOM = 1.8;
const MOST_KEPT = 30;

let opener = null;
// The source that is shown or on its way: its answer and its address.
let owner = null;
let wanted = "";
let latest = 0;
let zoom = 1;
// Sources by address, fetched when the pointer or the focus comes near: a click shows them at once.
const kept = new Map();

/** Show the source at `url`; closing the panel returns the focus to `from`. */
async function open(url, from) {
  const step = from.closest("#evidence")?.contains(from) ? from.dataset.step : null;
  if (!panel.contains(from)) {
    opener = from;
    owner = from.closest(".answer");
  }
  if (!(await bring(url))) return;
  const next = step && panel.querySelector(`[data-step="${step}"]`);
  (next || panel).focus({ preventScroll: true });
}

/** Fetch the source and show it; false where something else was wanted meanwhile. */
async function bring(url) {
  wanted = url;
  const request = ++latest;
  const slow = setTimeout(() => showWaiting(request), 120);
  const content = await load(url);
  clearTimeout(slow);
  if (request !== latest) return false;
  panel.removeAttribute("aria-busy");
  if (!content) {
    close();
    return false;
  }
  panel.replaceChildren(content);
  show();
  for (const link of panel.querySelectorAll("[data-step]")) fetchAhead(link);
  return true;
}

/** Show the source anew that is shown of this answer: what the answer uses is known from now on. */
export function settled(answer) {
  if (owner !== answer) return;
  if (panel.hidden || panel.hasAttribute("aria-busy")) bring(wanted);
  else refresh();
}

async function refresh() {
  const request = ++latest;
  const found = await fetchSource(wanted);
  // The panel stays as it is where something else is wanted by now, or nothing came.
  if (!found || request !== latest) return;
  const place = { scroll: panel.scrollTop, focus: controlOf(document.activeElement), zoom };
  panel.removeAttribute("aria-busy");
  panel.replaceChildren(found.cloneNode(true));
  setZoom(place.zoom);
  centreBox();
  showQuote();
  markActive();
  panel.scrollTop = place.scroll;
  if (place.focus) (panel.querySelector(place.focus) ?? panel).focus({ preventScroll: true });
}

/** How to find the panel's control again that has the focus, once its content is another. */
function controlOf(element) {
  if (!panel.contains(element)) return "";
  for (const name of ["data-zoom", "data-step", "data-evidence-close"]) {
    if (element.hasAttribute(name)) return `[${name}="${element.getAttribute(name)}"]`;
  }
  return `#${panel.id}`;
}

// What a source shows changes when its answer is there.
const isUnsettled = (answer) => Boolean(answer?.hasAttribute("aria-busy"));

async function load(url) {
  const found = await (isUnsettled(owner) ? fetchSource(url) : keep(url));
  if (found) return found.cloneNode(true);
  kept.delete(url);
  toast("This source could not be opened. Try again, or reload the page.", "error");
  return null;
}

function fetchAhead(link) {
  if (!isUnsettled(link.closest(".answer") ?? owner)) keep(link.href);
}

function keep(url) {
  if (!kept.has(url)) {
    if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value);
    kept.set(url, fetchSource(url));
  }
  return kept.get(url);
}

const fetchSource = (url) => part(url).then((found) => found && withImage(found));

/** Let the browser fetch the page image before it is shown. */
function withImage(content) {
  const image = content.querySelector("[data-page-sheet] img");
  if (image) new Image().src = image.src;
  return content;
}

/** Say that a source is on its way, when it takes longer than people notice. */
function showWaiting(request) {
  if (request !== latest) return;
  panel.setAttribute("aria-busy", "true");
  if (!panel.hidden) return;
  panel.replaceChildren(document.getElementById("evidence-waiting").content.cloneNode(true));
  panel.hidden = false;
  layOver();
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
  panel.hidden = false;
  panel.scrollTop = 0;
  layOver();
  setZoom(firstZoom());
  centreBox();
  showQuote();
  markActive();
  opener?.scrollIntoView({ block: "nearest" });
}

function close() {
  latest += 1;
  owner = null;
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
  // What lies over the chat is a place of its own: going back leaves it first.
  const isPlace = Boolean(history.state?.evidence);
  if (isOver && !isPlace) history.pushState({ evidence: true }, "");
  else if (!isOver && isPlace) history.back();
}

addEventListener("popstate", () => {
  if (!backdrop.hidden && !history.state?.evidence) close();
});
// A page that is loaded anew has nothing open.
if (history.state?.evidence) history.replaceState(null, "");

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

/** Enlarge a page so far that its boxed lines fill the view's width; a whole slide stays whole. */
function firstZoom() {
  const view = panel.querySelector(".page-view-scroll");
  const boxes = [...(view?.querySelectorAll("rect") ?? [])].map((box) => box.getBoundingClientRect());
  if (!boxes.length) return 1;
  const width = Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left));
  return Math.min(Math.max((0.94 * view.clientWidth) / width, 1), LARGEST_FIRST_ZOOM);
}

/** Bring the quoted words of a long source into view. */
function showQuote() {
  const quote = panel.querySelector(".evidence-quote");
  const mark = quote?.querySelector("mark");
  if (mark) quote.scrollTop += mark.getBoundingClientRect().top - quote.getBoundingClientRect().top - 40;
}

function zoomBy(direction) {
  const further = direction > 0 ? ZOOMS.find((each) => each > zoom + 0.01) : ZOOMS.findLast((each) => each < zoom - 0.01);
  setZoom(further ?? zoom);
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
  const link = linkOf(target);
  if (!link) return;
  event.preventDefault();
  open(link.href, target.closest(".citation") ?? link);
});

/** The link to the source that a mark in the text, a card or a figure stands for. */
function linkOf(target) {
  const mark = target.closest?.(".citation");
  const card = mark?.closest(".answer")?.querySelector(`[data-number="${mark.dataset.citation}"]`);
  return card ?? target.closest?.("[data-evidence]");
}

for (const comesNear of ["pointerover", "focusin"]) {
  document.addEventListener(comesNear, (event) => {
    const link = linkOf(event.target);
    if (link) fetchAhead(link);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || panel.hidden || event.defaultPrevented) return;
  if (document.querySelector("dialog[open], details.menu[open]")) return;
  close();
});

over.addEventListener("change", layOver);
