// Asking, following the answer while it is written, and stopping it.

import { follow } from "./answer_stream.js";
import { takeOff } from "./attaching.js";
import { tell } from "./channel.js";
import { keep } from "./draft.js";
import { settled } from "./evidence.js";
import { goToEnd } from "./scrolling.js";
import { announce, parse, post, sentence, toast } from "./server.js";

const chat = document.getElementById("chat");
const turns = document.getElementById("turns");
const composer = document.getElementById("composer");
const question = document.getElementById("question");
const problem = document.getElementById("composer-error");
const sendButton = document.getElementById("send");
const stopButton = document.getElementById("stop");

// --- Answers ----------------------------------------------------------------------------------

let answering = null;
let sending = false;
let unfollow = () => {};

/** Whether an answer is on its way; a person who wants something else then is told to wait. */
export function isBusy() {
  if (answering) toast("An answer is being written. Stop it, or wait until it is there.");
  else if (sending) toast("Your question is being sent. Wait a moment.");
  return isAnswering();
}

export const isAnswering = () => sending || Boolean(answering);

/** Follow the answer that is being written among the turns, if there is one: the latest. */
export function watchStreaming() {
  const article = [...turns.querySelectorAll(".answer[data-events]")].at(-1);
  if (!article || article === answering) return;
  unfollow();
  answering = article;
  showBusy(true);
  unfollow = follow(article, { ended: finish, lost: giveUp });
}

function finish(article) {
  letGo(article);
  settled(article);
  // Read out once, as a whole, not word by word.
  const said = article.querySelector("[data-text]")?.innerText ?? "";
  const notice = article.querySelector(".notice")?.innerText ?? "";
  announce(`${said} ${notice}`.trim() || "The answer has ended.");
  refreshList();
}

function giveUp(article) {
  // Else it would be followed again, in the place of the next one.
  delete article.dataset.events;
  letGo(article);
  toast("This answer can no longer be followed here. Reload the page to see it.", "error");
}

function letGo(article) {
  if (answering === article) answering = null;
  watchStreaming();
  showBusy(Boolean(answering));
}

function showBusy(isBusy) {
  const hadFocus = [sendButton, stopButton].includes(document.activeElement);
  sendButton.hidden = isBusy;
  stopButton.hidden = !isBusy;
  if (hadFocus) (isBusy ? stopButton : question).focus();
}

// --- Asking -----------------------------------------------------------------------------------

async function ask() {
  const words = question.value;
  if (!words.trim() || isAnswering()) return;
  const body = new FormData(composer);
  body.set("follows", [...turns.querySelectorAll(".answer")].at(-1)?.dataset.answerId ?? "");
  const { pictures, putBack } = takeOff();
  const pending = showPending(words.trim(), pictures);
  const forget = keep(words);
  question.value = "";
  resize();
  problem.hidden = true;
  try {
    await begin(pending, composer.action, body);
    forget();
  } catch (error) {
    pending.remove();
    if (!question.value) question.value = words;
    putBack();
    resize();
    problem.textContent = sentence(error);
    problem.hidden = false;
  }
  // What was typed meanwhile belongs to the page that this has become.
  keep(question.value);
}

function showPending(words, pictures) {
  document.getElementById("welcome")?.remove();
  const pending = document.getElementById("pending-turn").content.cloneNode(true).firstElementChild;
  pending.querySelector(".question p").textContent = words;
  pending.querySelector(".attachments").append(...pictures);
  turns.append(pending);
  goToEnd("smooth");
  return pending;
}

/** Send a question; its turn takes the place of `old` and of all that followed it. */
export async function begin(old, url, body) {
  sending = sendButton.disabled = true;
  try {
    const turn = parse(await post(url, body)).firstElementChild;
    if (!turn) throw new Error("The server could not take the question. Reload the page.");
    while (old.nextElementSibling) old.nextElementSibling.remove();
    old.replaceWith(turn);
    goToEnd();
    moveTo(turn.dataset.conversation, turn.dataset.title);
    watchStreaming();
    tell("turns");
  } finally {
    sending = sendButton.disabled = false;
  }
}

/** A first question makes the conversation: from now on, this page is its page. */
function moveTo(url, title) {
  document.getElementById("chat-title").textContent = title;
  document.title = `${title} · Chat · Pagewise`;
  if (new URL(url, location).pathname === location.pathname) return;
  history.pushState(null, "", url);
  composer.action = url;
  chat.dataset.turns = `${url}turns/`;
  question.placeholder = "Ask a follow-up";
  refreshList();
}

function refreshList() {
  htmx.trigger("#find", "refresh");
}

addEventListener("popstate", () => {
  // Also told where only a fragment was gone to, as the link to the content does.
  if (new URL(composer.action).pathname !== location.pathname) location.reload();
});

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter === stopButton) stop();
  else ask();
});

async function stop() {
  if (!answering) return;
  stopButton.disabled = true;
  try {
    await post(answering.dataset.stop, new FormData(composer));
  } catch {
    toast("The answer could not be stopped.", "error");
  } finally {
    stopButton.disabled = false;
  }
}

turns.addEventListener("click", (event) => {
  const suggestion = event.target.closest("[data-suggestion]");
  if (!suggestion) return;
  event.preventDefault();
  question.value = suggestion.dataset.suggestion;
  ask();
  question.focus();
});

// --- Composer ---------------------------------------------------------------------------------

/** Tell the Enter that asks from the one that ends a line or the composition of a character. */
export function asks(event) {
  // keyCode 229 tells of a composition where isComposing does not.
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

question.addEventListener("keydown", (event) => {
  if (!asks(event)) return;
  event.preventDefault();
  ask();
});

function resize() {
  if (CSS.supports("field-sizing", "content")) return;
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}
question.addEventListener("input", resize);

watchStreaming();
resize();
if (!matchMedia("(hover: none)").matches) question.focus({ preventScroll: true });
