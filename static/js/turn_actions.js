// What can be done with a question or an answer: again, edited, another version, copied.

import { asks, begin, isBusy, watchStreaming } from "./asking.js";
import { tell } from "./channel.js";
import { copy } from "./clipboard.js";
import { keepInPlace } from "./scrolling.js";
import { announce, parse, post, sentence, toast } from "./server.js";

const turns = document.getElementById("turns");

turns.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.matches("[data-feedback]")) return judge(event);
  const action = [["[data-retry]", retry], ["[data-show]", show], [".question-form", edit]]
    .find(([selector]) => form.matches(selector))?.[1];
  if (!action) return;
  event.preventDefault();
  if (isBusy()) return;
  try {
    await action(form, event.submitter);
  } catch (error) {
    toast(sentence(error), "error");
  }
});

function retry(form) {
  return begin(form.closest(".turn"), form.action, new FormData(form));
}

// --- Versions -----------------------------------------------------------------------------------

async function show(form, button) {
  const turn = form.closest(".turn");
  const place = [...turns.children].indexOf(turn);
  const selector = form.closest(".question") ? ".question [data-show]" : ".answer [data-show]";
  const side = [...form.elements].filter((one) => one.type === "submit").indexOf(button);
  const found = parse(await post(button.formAction, new FormData(form)));
  keepInPlace(place, () => turns.replaceChildren(found));
  watchStreaming();
  tell("turns");
  const now = turns.children[place]?.querySelector(selector);
  const buttons = [...(now?.querySelectorAll("button") ?? [])];
  const next = buttons[side]?.disabled ? buttons[1 - side] : buttons[side];
  next?.focus({ preventScroll: true });
  announce(now?.querySelector("[role=group]")?.getAttribute("aria-label") ?? "");
}

// --- Editing ------------------------------------------------------------------------------------

async function edit(form) {
  const problem = form.querySelector(".field-error");
  const send = form.querySelector(".button-primary");
  problem.hidden = true;
  send.disabled = true;
  try {
    await begin(form.closest(".turn"), form.action, new FormData(form));
  } catch (error) {
    problem.textContent = sentence(error);
    problem.hidden = false;
    send.disabled = false;
  }
}

function closeEdit(details) {
  details.querySelector("form").reset();
  details.open = false;
  details.querySelector("summary").focus();
}

// "toggle" does not bubble.
turns.addEventListener("toggle", (event) => {
  if (!event.target.matches("[data-edit]") || !event.target.open) return;
  const field = event.target.querySelector("textarea");
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}, true);

turns.addEventListener("keydown", (event) => {
  const form = event.target.closest(".question-form");
  if (!form) return;
  if (event.key === "Escape") {
    event.preventDefault();
    closeEdit(form.closest("details"));
  } else if (event.target.matches("textarea") && asks(event)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

// --- Feedback -----------------------------------------------------------------------------------

async function judge(event) {
  event.preventDefault();
  const form = event.target;
  const place = form.closest(".feedback");
  try {
    const found = parse(await post(form.action, new FormData(form, event.submitter)));
    place.replaceWith(found);
  } catch (error) {
    return toast(sentence(error), "error");
  }
  const now = document.getElementById(place.id);
  const verdict = event.submitter?.value;
  const first = now.querySelector(".feedback-why input[type=radio]");
  const button = now.querySelector(`[name=verdict][value="${verdict}"]`) ?? now.querySelector("[aria-pressed=true]");
  (first ?? button)?.focus();
  if (!verdict) toast("Thank you. It is noted.", "success");
}

turns.addEventListener("click", (event) => {
  const close = event.target.closest("[data-feedback-close]");
  if (!close) return;
  const place = close.closest(".feedback");
  close.closest(".feedback-why").remove();
  place.querySelector("[aria-pressed=true]")?.focus();
});

// --- Copying ------------------------------------------------------------------------------------

turns.addEventListener("click", async (event) => {
  const cancel = event.target.closest("[data-edit-cancel]");
  if (cancel) closeEdit(cancel.closest("details"));
  const chosen = event.target.closest("[data-copy-text]");
  if (!chosen) return;
  if (await copy(chosen.dataset.copyText)) toast("Copied, with its sources.", "success");
  else toast("The browser did not let it be copied. Select the text instead.", "error");
});
