// Keyboard shortcuts, and the dialog that lists them.

import { step } from "./evidence.js";

const help = document.getElementById("shortcuts");
const singleKeys = document.getElementById("single-keys");
const question = document.getElementById("question");
const find = document.getElementById("find");
const list = document.getElementById("conversations");
const turns = document.getElementById("turns");

// People who speak to their computer may not want single letters to do things.
singleKeys.checked = localStorage.getItem("single-keys") !== "off";
singleKeys.addEventListener("change", () => {
  localStorage.setItem("single-keys", singleKeys.checked ? "on" : "off");
});

const showHelp = () => help.open || help.showModal();

function search() {
  if (getComputedStyle(list).position === "fixed") list.showPopover();
  find.focus();
  find.select();
}

const beginAnew = () => document.getElementById("new-conversation").click();

function editLast() {
  const edit = [...turns.querySelectorAll("[data-edit]")].at(-1);
  if (edit) edit.open = true;
}

const SINGLE = {
  "?": showHelp,
  "/": () => question.focus(),
  j: () => step(1),
  k: () => step(-1),
  e: editLast,
};
const types = (element) => element.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
  const hasControl = event.ctrlKey || event.metaKey;
  const isSingle = !hasControl && singleKeys.checked && !types(event.target);
  const action = hasControl ? withControl(event) : isSingle ? SINGLE[event.key.toLowerCase()] : null;
  if (!action) return;
  event.preventDefault();
  action();
});

function withControl(event) {
  const key = event.key.toLowerCase();
  if (event.shiftKey) return key === "o" ? beginAnew : null;
  return key === "k" ? search : null;
}

// In an empty field, the arrow up takes the last question back to be edited.
question.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowUp" || question.value || event.shiftKey) return;
  event.preventDefault();
  editLast();
});

document.getElementById("show-shortcuts").addEventListener("click", showHelp);
help.addEventListener("click", (event) => event.target === help && help.close());
