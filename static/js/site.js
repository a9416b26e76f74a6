// Every page: theme, menus, the shared dialog, toasts.

import { copy } from "./clipboard.js";
import { refusal } from "./server.js";

// --- Theme: the cookie is read by the server, so that no page flashes in the wrong one. ---

const root = document.documentElement;

function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    const chosen = button.dataset.themeChoice === (root.dataset.theme ?? "");
    button.setAttribute("aria-pressed", String(chosen));
  }
}

function chooseTheme(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  const age = theme ? 31536000 : 0;
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax`;
  showTheme();
}

showTheme();

// --- Menus: <details class="menu"> closes on Escape, on a click elsewhere, and on focus leaving. ---

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!except || !menu.contains(except)) menu.open = false;
  }
}

// What closes with the focus in it leaves it to nobody: a dialog gives it back to whoever had it.
function closeBehind(menu) {
  if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  menu.open = false;
}

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  const choice = event.target.closest("[data-theme-choice]");
  if (choice) chooseTheme(choice.dataset.themeChoice);
  if (event.target.closest("[data-dialog-close]")) closeDialog(event);
  const copied = event.target.closest("[data-copy]");
  if (copied) copyText(document.getElementById(copied.dataset.copy).textContent);
  event.target.closest("[data-toast-close]")?.closest(".toast").remove();
  const item = event.target.closest(".menu-list a, .menu-list button:not([data-theme-choice])");
  if (item) closeBehind(item.closest("details"));
});

document.addEventListener("focusin", (event) => closeMenus(event.target));

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (event.key === "Escape" && menu) leave(menu);
});

function leave(menu) {
  menu.open = false;
  menu.querySelector("summary").focus();
}

// --- The dialog: whatever htmx puts into #dialog-body is shown as a modal. ---

const dialog = document.getElementById("dialog");
const dialogBody = document.getElementById("dialog-body");

function closeDialog(event) {
  if (!dialog.open) return;
  event?.preventDefault();
  dialog.close();
}

dialog.addEventListener("close", () => dialogBody.replaceChildren());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === dialogBody && dialogBody.childElementCount) dialog.showModal();
});
document.addEventListener("dialog:close", () => closeDialog());

// --- Toasts: good news leaves by itself, problems stay until dismissed. ---

const toasts = document.getElementById("toasts");

function expire(toast) {
  if (toast.matches(".toast-error, .toast-warning")) return;
  let timer = setTimeout(() => toast.remove(), 6000);
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => (timer = setTimeout(() => toast.remove(), 2500)));
}

function addToast({ text, level = "info" }) {
  const toast = document.createElement("div");
  toast.className = `toast toast-${level}`;
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button button-quiet button-small";
  close.dataset.toastClose = "";
  close.textContent = "Dismiss";
  toast.append(paragraph, close);
  toasts.append(toast);
}

async function copyText(text) {
  if (await copy(text)) addToast({ text: "Copied.", level: "success" });
  else addToast({ text: "The browser does not let this page copy: mark the text, and copy it.", level: "warning" });
}

for (const toast of toasts.children) expire(toast);
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) if (node.nodeType === Node.ELEMENT_NODE) expire(node);
  }
}).observe(toasts, { childList: true });
document.addEventListener("toast", (event) => addToast(event.detail));

for (const failure of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failure, (event) => {
    // A poll that fails tries again by itself; only what a person asked for is worth a word.
    if (event.detail.requestConfig?.triggeringEvent?.isTrusted) {
      addToast({ text: "The server could not be reached. Try again in a moment.", level: "error" });
    }
  });
}
document.addEventListener("htmx:responseError", (event) => {
  const text = refusal(event.detail.xhr.status);
  if (event.detail.requestConfig?.triggeringEvent?.isTrusted) addToast({ text, level: "error" });
});
