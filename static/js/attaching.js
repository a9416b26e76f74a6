// Pictures and places that the next question carries: chosen, pasted, dropped, taken off again.

import { toast } from "./server.js";

const field = document.getElementById("images");
const list = document.getElementById("attached");
const template = document.getElementById("attached-picture");
const main = document.querySelector(".chat-main");
const question = document.getElementById("question");

const MOST = 4;
const LARGEST = 20 * 1024 * 1024;

// The browser's file field would forget the first choice at the second one.
let files = [];

function set(next) {
  files = next;
  const transfer = new DataTransfer();
  for (const { file } of files) transfer.items.add(file);
  field.files = transfer.files;
}

function add(candidates) {
  for (const file of candidates) {
    const problem = !file.type.startsWith("image/") ? `“${file.name}” is no picture. Documents are uploaded on their own page.`
      : file.size > LARGEST ? `“${file.name}” is larger than 20 MB.`
      : list.children.length >= MOST ? `A question takes at most ${MOST} pictures and places.` : "";
    if (problem) {
      toast(problem, "warning");
      continue;
    }
    const item = template.content.cloneNode(true).firstElementChild;
    const image = item.querySelector("img");
    image.src = URL.createObjectURL(file);
    image.alt = file.name;
    item.querySelector(".attachment-label").textContent = file.name;
    item.querySelector("[data-detach]").setAttribute("aria-label", `Take “${file.name}” off`);
    list.append(item);
    files.push({ file, item });
  }
  set(files);
  question.focus();
}

field.addEventListener("change", () => {
  const chosen = [...field.files];
  set(files);
  add(chosen);
});

list.addEventListener("click", (event) => {
  const item = event.target.closest("[data-detach]")?.closest("li");
  if (!item) return;
  item.remove();
  set(files.filter((one) => one.item !== item));
  question.focus();
});

question.addEventListener("paste", (event) => {
  const pasted = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
  if (!pasted.length) return;
  event.preventDefault();
  add(pasted);
});

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

main.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  main.classList.add("dropping");
});
main.addEventListener("dragleave", (event) => {
  if (!main.contains(event.relatedTarget)) main.classList.remove("dropping");
});
main.addEventListener("drop", (event) => {
  main.classList.remove("dropping");
  if (!carriesFiles(event)) return;
  event.preventDefault();
  add(event.dataTransfer.files);
});

/** Take everything off the composer; the function that is returned puts it back. */
export function takeOff() {
  const items = [...list.children];
  const taken = files;
  list.replaceChildren();
  set([]);
  return {
    pictures: items.map((item) => item.querySelector("img").cloneNode()),
    putBack: () => {
      list.replaceChildren(...items);
      set(taken);
    },
  };
}
