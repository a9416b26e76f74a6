// The chat page: asking, following answers, what to ask, and where the page is scrolled to.

import { follow, parse } from "./answer_stream.js";
import "./evidence.js";
import "./scope.js";

const scroller = document.getElementById("scroller");
const turns = document.getElementById("turns");
const composer = document.getElementById("composer");
const question = document.getElementById("question");
const problem = document.getElementById("composer-error");
const sendButton = document.getElementById("send");
const stopButton = document.getElementById("stop");
const toLatest = document.getElementById("to-latest");
const announcer = document.getElementById("announcer");

// --- Where the page is scrolled to: it follows the answer only for whoever is at its end. ------

const NEAR = 40;
let atEnd = true;
let lastTop = 0;

const distance = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;

function goToEnd(behavior = "instant") {
  scroller.scrollTo({ top: scroller.scrollHeight, behavior });
}

scroller.addEventListener("scroll", () => {
  // Only scrolling up leaves the end: while text arrives, the end moves away by itself.
  if (distance() < NEAR) atEnd = true;
  else if (scroller.scrollTop < lastTop) atEnd = false;
  lastTop = scroller.scrollTop;
  toLatest.hidden = atEnd;
}, { passive: true });

new ResizeObserver(() => {
  if (atEnd) goToEnd();
  toLatest.hidden = atEnd;
}).observe(turns);
new ResizeObserver(() => atEnd && goToEnd()).observe(scroller);

toLatest.addEventListener("click", () => goToEnd("smooth"));

// --- Answers ----------------------------------------------------------------------------------

let answering = null;

function watch(article) {
  answering = article;
  showBusy(true);
  follow(article, { ended: finish, lost: giveUp });
}

function finish(article) {
  if (answering === article) answering = null;
  showBusy(Boolean(answering));
  // Read out once, as a whole, not word by word.
  const said = article.querySelector("[data-text]")?.innerText ?? "";
  const notice = article.querySelector(".notice")?.innerText ?? "";
  announcer.textContent = `${said} ${notice}`.trim() || "The answer has ended.";
  refreshList();
}

function giveUp() {
  answering = null;
  showBusy(false);
  const text = "This answer can no longer be followed here. Reload the page to see it.";
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, level: "error" } }));
}

function showBusy(isBusy) {
  const hadFocus = [sendButton, stopButton].includes(document.activeElement);
  sendButton.hidden = isBusy;
  stopButton.hidden = !isBusy;
  if (hadFocus) (isBusy ? stopButton : question).focus();
}

// --- Asking -----------------------------------------------------------------------------------

async function post(url, body) {
  const response = await fetch(url, { method: "POST", body, headers: { "HX-Request": "true" } });
  if (response.redirected) return location.reload();
  const text = await response.text();
  if (response.ok) return text;
  const isSentence = response.headers.get("Content-Type")?.startsWith("text/plain");
  throw new Error(isSentence ? text : "The server could not take the question. Reload the page.");
}

async function ask() {
  const words = question.value;
  if (!words.trim() || answering || sendButton.disabled) return;
  const body = new FormData(composer);
  const pending = showPending(words.trim());
  question.value = "";
  resize();
  await begin(pending, composer.action, body, () => {
    pending.remove();
    if (!question.value) question.value = words;
    resize();
  });
}

function showPending(words) {
  document.getElementById("welcome")?.remove();
  const pending = document.getElementById("pending-turn").content.cloneNode(true).firstElementChild;
  pending.querySelector(".question p").textContent = words;
  turns.append(pending);
  atEnd = true;
  goToEnd("smooth");
  return pending;
}

/** Send a question; its turn takes the place of `old`, or `undo` puts things back. */
async function begin(old, url, body, undo) {
  problem.hidden = true;
  sendButton.disabled = true;
  try {
    const turn = parse(await post(url, body)).firstElementChild;
    old.replaceWith(turn);
    moveTo(turn.dataset.conversation, turn.dataset.title);
    watch(turn.querySelector(".answer"));
  } catch (error) {
    undo();
    problem.textContent = error instanceof TypeError
      ? "The server could not be reached. Try again in a moment." : error.message;
    problem.hidden = false;
  } finally {
    sendButton.disabled = false;
  }
}

/** A first question makes the conversation: from now on, this page is its page. */
function moveTo(url, title) {
  if (new URL(url, location).pathname === location.pathname) return;
  history.pushState(null, "", url);
  composer.action = url;
  document.getElementById("chat-title").textContent = title;
  document.title = `${title} · Chat · Pagewise`;
  question.placeholder = "Ask a follow-up";
  refreshList();
}

function refreshList() {
  htmx.trigger("#find", "refresh");
}

addEventListener("popstate", () => location.reload());

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
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: "The answer could not be stopped.", level: "error" } }));
  } finally {
    stopButton.disabled = false;
  }
}

turns.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-retry]");
  if (!form) return;
  event.preventDefault();
  if (answering) return;
  const turn = form.closest(".turn");
  begin(turn, form.action, new FormData(form), () => {});
});

turns.addEventListener("click", async (event) => {
  const suggestion = event.target.closest("[data-suggestion]");
  if (suggestion) {
    event.preventDefault();
    question.value = suggestion.dataset.suggestion;
    ask();
    question.focus();
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(withSources(copy));
    document.dispatchEvent(new CustomEvent("toast", { detail: { text: "Copied, with its sources.", level: "success" } }));
  }
});

function withSources(copy) {
  const cards = copy.closest(".answer").querySelectorAll(".source[data-number]:not(.source-uncited)");
  const lines = [...cards].map((card) => `[${card.dataset.number}] ${card.title}`);
  return [copy.dataset.copy, ...lines].join("\n");
}

// --- Composer ---------------------------------------------------------------------------------

question.addEventListener("keydown", (event) => {
  // Enter also ends the composition of a character; keyCode 229 says so where isComposing doesn't.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  ask();
});

function resize() {
  if (CSS.supports("field-sizing", "content")) return;
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}
question.addEventListener("input", resize);

// --- Start ------------------------------------------------------------------------------------

const streaming = turns.querySelector(".answer[data-events]");
if (streaming) watch(streaming);
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
else goToEnd();
atEnd = distance() < NEAR;
resize();
if (!matchMedia("(hover: none)").matches) question.focus({ preventScroll: true });
