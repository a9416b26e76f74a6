// Tabs that show the same conversation agree: each is told what another one did.

import { isAnswering, watchStreaming } from "./asking.js";
import { channel, tell } from "./channel.js";
import { part } from "./server.js";

const chat = document.getElementById("chat");
const turns = document.getElementById("turns");

channel.addEventListener("message", ({ data }) => {
  htmx.trigger("#find", "refresh");
  if (data.what === "turns" && data.turns === chat.dataset.turns) catchUp();
});

// What was done on another device is seen when this page is looked at again.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") catchUp();
});

const shownIn = (root) =>
  [...root.querySelectorAll(".answer")].map((one) => one.dataset.answerId).join();

const LATER_MS = 700;
const isEditing = () => Boolean(turns.querySelector("[data-edit][open]"));
let asked = 0;
let later = 0;

// What cannot be shown now, because an answer grows or somebody edits here, is shown after that;
// of two requests on their way, only the younger one counts.
async function catchUp() {
  clearTimeout(later);
  if (!chat.dataset.turns) return;
  if (isAnswering() || isEditing()) {
    later = setTimeout(catchUp, LATER_MS);
    return;
  }
  const mine = ++asked;
  const found = await part(chat.dataset.turns);
  if (!found || mine !== asked) return;
  if (isAnswering() || isEditing()) {
    later = setTimeout(catchUp, LATER_MS);
    return;
  }
  if (shownIn(found) === shownIn(turns)) return;
  turns.replaceChildren(found);
  watchStreaming();
}

document.addEventListener("dialog:close", () => tell("list"));
