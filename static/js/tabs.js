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

async function catchUp() {
  const isEditing = () => Boolean(turns.querySelector("[data-edit][open]"));
  if (!chat.dataset.turns || isAnswering() || isEditing()) return;
  const found = await part(chat.dataset.turns);
  if (!found || isAnswering() || isEditing() || shownIn(found) === shownIn(turns)) return;
  turns.replaceChildren(found);
  watchStreaming();
}

document.addEventListener("dialog:close", () => tell("list"));
