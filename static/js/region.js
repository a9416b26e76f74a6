// The document page: mark a place on a page, with the pointer or from a list, and ask about it.

const start = document.getElementById("region-start");
const bar = document.getElementById("region-bar");
const hint = document.getElementById("region-hint");
const ask = document.getElementById("region-ask");
const sheets = document.getElementById("sheets");
const numberField = document.getElementById("page-number");

const SVG = "http://www.w3.org/2000/svg";
// In PDF points: less is a click.
const SMALLEST = 8;

let rect = null;
let from = null;

function setDrawing(on) {
  sheets.classList.toggle("drawing", on);
  start.setAttribute("aria-pressed", String(on));
  bar.hidden = !on;
  ask.hidden = true;
  hint.textContent = "Draw a box on a page.";
  rect?.remove();
  rect = null;
}

/** Where the pointer is on its page, in PDF points, not beyond the page's edges. */
function place(event, overlay) {
  const frame = overlay.getBoundingClientRect();
  const { width, height } = overlay.viewBox.baseVal;
  const x = ((event.clientX - frame.left) / frame.width) * width;
  const y = ((event.clientY - frame.top) / frame.height) * height;
  return { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
}

function draw(to) {
  const sizes = {
    x: Math.min(from.x, to.x), y: Math.min(from.y, to.y),
    width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y),
  };
  for (const [name, value] of Object.entries(sizes)) rect.setAttribute(name, value.toFixed(1));
  return sizes;
}

sheets.addEventListener("pointerdown", (event) => {
  const overlay = event.target.closest(".paper")?.querySelector(".overlay");
  if (!overlay || !sheets.classList.contains("drawing") || event.button !== 0) return;
  event.preventDefault();
  rect?.remove();
  rect = document.createElementNS(SVG, "rect");
  rect.classList.add("drawn");
  overlay.append(rect);
  from = place(event, overlay);
  overlay.closest(".paper").setPointerCapture(event.pointerId);
});

sheets.addEventListener("pointermove", (event) => {
  if (from) draw(place(event, rect.ownerSVGElement));
});

sheets.addEventListener("pointerup", (event) => {
  if (!from) return;
  const { x, y, width, height } = draw(place(event, rect.ownerSVGElement));
  from = null;
  if (width < SMALLEST || height < SMALLEST) {
    rect.remove();
    rect = null;
    ask.hidden = true;
    return;
  }
  const page = rect.closest(".sheet").dataset.page;
  const corners = [x, y, x + width, y + height].map((value) => value.toFixed(1)).join(",");
  ask.href = `${start.dataset.chat}&region=${start.dataset.document},${page},${corners}`;
  hint.textContent = `A place on page ${page} is marked.`;
  ask.hidden = false;
  ask.focus();
});

sheets.addEventListener("pointercancel", () => {
  from = null;
  rect?.remove();
  rect = null;
});

// While a box is drawn, an image must not be dragged, nor a link followed.
for (const kind of ["dragstart", "click"]) {
  sheets.addEventListener(kind, (event) => {
    if (!sheets.classList.contains("drawing")) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
}

function chooseFromList() {
  const url = new URL(start.href);
  url.searchParams.set("page", numberField.value);
  htmx.ajax("GET", url.pathname + url.search, { target: "#dialog-body", swap: "innerHTML" });
}

start?.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  // The Enter key cannot draw.
  if (event.detail === 0) chooseFromList();
  else setDrawing(!sheets.classList.contains("drawing"));
});
start?.setAttribute("role", "button");
// A button is pressed with the space bar too; a link is not.
start?.addEventListener("keydown", (event) => {
  if (event.key !== " ") return;
  event.preventDefault();
  start.click();
});

document.getElementById("region-list").addEventListener("click", chooseFromList);
document.getElementById("region-stop").addEventListener("click", () => {
  setDrawing(false);
  start.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || bar.hidden || document.querySelector("dialog[open]")) return;
  setDrawing(false);
  start.focus();
});
