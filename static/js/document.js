// The document page: keeps page number, boxes and details in step with what is scrolled to.

import { part } from "./server.js";

const page = document.querySelector(".document-page");
const sheets = document.getElementById("sheets");
const picker = document.getElementById("page-picker");
const numberField = document.getElementById("page-number");
const zoomLevel = document.getElementById("zoom-level");

const RETRY_MS = 3000;
const LONGEST_PAUSE_MS = 60_000;
const ZOOM_STEPS = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3];
const MARGIN = 12;
const SVG = "http://www.w3.org/2000/svg";

const sheetOf = (number) => document.getElementById(`page-${number}`);
const panel = () => document.getElementById("panel");
let current = Number(numberField.value);

// --- Which page is in view: the one that shows most of itself, the first of equals ---------------

const visibleHeights = new Map();
// The page that was gone to stays the current one while it is wholly in view: the last pages
// of a document may be too short to be scrolled to the top.
let pinned = 0;

const inView = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const number = Number(entry.target.dataset.page);
      if (entry.isIntersecting) visibleHeights.set(number, Math.round(entry.intersectionRect.height));
      else visibleHeights.delete(number);
      if (number === pinned && entry.intersectionRatio < 0.98) pinned = 0;
    }
    show(pinned || mostVisible());
  },
  { root: sheets, threshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.98, 1] },
);

function mostVisible() {
  const most = Math.max(...visibleHeights.values());
  const numbers = [...visibleHeights].filter(([, height]) => height > most - 3).map(([number]) => number);
  return numbers.length ? Math.min(...numbers) : current;
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) if (entry.isIntersecting) load(entry.target);
  },
  { root: sheets, rootMargin: "100% 0px" },
);

for (const sheet of sheets.querySelectorAll(".sheet")) {
  inView.observe(sheet);
  near.observe(sheet);
}

let panelTimer = 0;
let typing = false;

function show(number) {
  if (number === current) return;
  current = number;
  if (!typing) numberField.value = number;
  clearTimeout(panelTimer);
  // Not for every page that a fast scroll passes.
  if (panel().dataset.panel === "page") panelTimer = setTimeout(loadPanel, 250);
}

function loadPanel() {
  return htmx.ajax("GET", `${page.dataset.url}panel/?panel=page&page=${current}`, { target: "#panel", swap: "outerHTML" });
}

// Far pages come as empty paper of the right size and are filled in when they come near.
async function load(sheet) {
  const paper = sheet.querySelector("[data-wanting]");
  if (!paper) return;
  delete paper.dataset.wanting;
  const boxes = new URLSearchParams(new URL(location.href).searchParams.getAll("box").map((box) => ["box", box]));
  const found = await part(`${page.dataset.url}pages/${sheet.dataset.page}/sheet?${boxes}`);
  const fetched = found?.querySelector(".paper");
  if (fetched) return paper.replaceWith(fetched);
  paper.dataset.wanting = "";
  // Observed anew, it is asked for again if it is still near by then; ever more rarely, for it
  // may be gone for good.
  near.unobserve(sheet);
  const pause = Number(sheet.dataset.pause ?? RETRY_MS);
  sheet.dataset.pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  setTimeout(() => near.observe(sheet), pause);
}

// --- Going to a page or a box -----------------------------------------------------------------

function goTo(number, { smooth = false } = {}) {
  const sheet = sheetOf(number);
  if (!sheet) return;
  const frames = [...sheet.querySelectorAll(".evidence rect")].map((rect) => rect.getBoundingClientRect().top);
  const window = sheets.getBoundingClientRect();
  const sheetTop = sheet.getBoundingClientRect().top - window.top - MARGIN;
  const frameTop = Math.min(...frames) - window.top - window.height * 0.3;
  const behavior = smooth && Math.abs(number - current) < 3 ? "smooth" : "instant";
  pinned = number;
  sheets.scrollBy({ top: frames.length ? Math.max(sheetTop, frameTop) : sheetTop, behavior });
  show(number);
}

function frame(boxes) {
  for (const old of sheets.querySelectorAll(".evidence rect")) old.remove();
  for (const box of boxes) {
    const [number, x0, y0, x1, y1] = box.split(",").map(Number);
    const rect = document.createElementNS(SVG, "rect");
    const sizes = { x: x0, y: y0, width: x1 - x0, height: y1 - y0, rx: 2 };
    for (const [name, value] of Object.entries(sizes)) rect.setAttribute(name, value);
    sheetOf(number)?.querySelector(".evidence")?.append(rect);
  }
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-go]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const query = new URL(link.href).searchParams;
  const number = Number(query.get("page"));
  history.replaceState(null, "", link.href);
  await load(sheetOf(number));
  frame(query.getAll("box"));
  closePanel();
  goTo(number, { smooth: true });
});

function goToTyped() {
  typing = false;
  goTo(Number(numberField.value));
}

numberField.addEventListener("input", () => (typing = true));
numberField.addEventListener("change", goToTyped);
picker.addEventListener("submit", (event) => {
  event.preventDefault();
  goToTyped();
});
picker.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (!step) return;
  event.preventDefault();
  stepBy(Number(step.dataset.step));
});

function stepBy(step) {
  goTo(current + step);
}

// --- Zoom ---------------------------------------------------------------------------------------

let zoom = 1;

function setZoom(value) {
  const sheet = sheetOf(current);
  const before = sheet ? sheets.scrollTop - sheet.offsetTop : 0;
  const ratio = value / zoom;
  zoom = value;
  sheets.style.setProperty("--zoom", zoom);
  if (sheet) sheets.scrollTop = sheet.offsetTop + before * ratio;
  const percent = `${Math.round(zoom * 100)} %`;
  zoomLevel.textContent = percent;
  zoomLevel.setAttribute("aria-label", `Zoom ${percent}, back to the width of the window`);
}

function zoomBy(direction) {
  const place = ZOOM_STEPS.indexOf(zoom);
  setZoom(ZOOM_STEPS[Math.min(ZOOM_STEPS.length - 1, Math.max(0, place + direction))]);
}

document.querySelector(".viewer-zoom").addEventListener("click", (event) => {
  const what = event.target.closest("[data-zoom]")?.dataset.zoom;
  if (what === "fit") setZoom(1);
  else if (what) zoomBy(what === "in" ? 1 : -1);
});

sheets.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const actions = { ArrowLeft: () => stepBy(-1), ArrowRight: () => stepBy(1), "+": () => zoomBy(1), "-": () => zoomBy(-1), 0: () => setZoom(1) };
  if (!(event.key in actions)) return;
  event.preventDefault();
  actions[event.key]();
});

// --- Boxes and passages point at each other ------------------------------------------------------

for (const kind of ["text", "table", "image"]) {
  const box = document.getElementById(`show-${kind}`);
  box.checked = localStorage.getItem(`show-${kind}`) === "1";
  box.addEventListener("change", () => localStorage.setItem(`show-${kind}`, box.checked ? "1" : "0"));
}

function point(event, active) {
  const chunk = event.target.closest?.("[data-chunk]")?.dataset.chunk;
  if (!chunk) return;
  for (const element of document.querySelectorAll(`[data-chunk="${chunk}"]`)) element.classList.toggle("active", active);
}

document.addEventListener("pointerover", (event) => point(event, true));
document.addEventListener("pointerout", (event) => point(event, false));

sheets.addEventListener("click", async (event) => {
  const region = event.target.closest(".region");
  if (!region) return;
  event.preventDefault();
  const number = Number(region.closest(".sheet").dataset.page);
  if (panel().dataset.panel !== "page" || !document.getElementById(`chunk-${region.dataset.chunk}`)) {
    current = number;
    numberField.value = number;
    await loadPanel();
  }
  openPanel();
  const passage = document.getElementById(`chunk-${region.dataset.chunk}`);
  passage?.scrollIntoView({ block: "center", behavior: "smooth" });
  passage?.focus({ preventScroll: true });
});

// --- Details: a sheet from below where the window is narrow -----------------------------------------

const toggle = document.getElementById("panel-toggle");
let panelOpen = false;

function setPanel(open) {
  panelOpen = open;
  panel().classList.toggle("open", open);
  toggle.setAttribute("aria-expanded", String(open));
}
const openPanel = () => setPanel(true);
const closePanel = () => setPanel(false);

toggle.addEventListener("click", () => setPanel(!panelOpen));
document.addEventListener("click", (event) => event.target.closest("[data-panel-close]") && closePanel());
document.addEventListener("keydown", (event) => event.key === "Escape" && panelOpen && closePanel());
document.addEventListener("htmx:afterSwap", () => panel().classList.toggle("open", panelOpen));
document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.closest(".panel .tabs")) event.detail.parameters.page = current;
});

// --- Ready: the page loads itself again, but not while somebody types in it ------------------------

const isTyping = () =>
  [...panel().querySelectorAll("input, textarea")].some(
    (field) => field === document.activeElement || field.value !== field.defaultValue || field.ariaInvalid,
  );

document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (!event.detail.xhr.getResponseHeader("HX-Refresh") || !isTyping()) return;
  event.preventDefault();
  event.detail.elt.replaceWith(document.getElementById("state-over").content.cloneNode(true));
});

// --- Arriving ---------------------------------------------------------------------------------------

if (location.search) goTo(current);
