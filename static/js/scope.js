// The scope chooser: which collections and documents the next question is asked of.

const menu = document.getElementById("scope");
const label = menu.querySelector("[data-scope-label]");
const summary = menu.querySelector("[data-scope-summary]");
const chosen = document.getElementById("scope-chosen");
const EVERYTHING = label.dataset.everything;

function describe() {
  const names = [...menu.querySelectorAll("input:checked")].map((input) => input.dataset.name);
  const [first = EVERYTHING, ...rest] = names;
  label.textContent = rest.length ? `${first} + ${rest.length}` : first;
  summary.setAttribute("aria-label", `What to ask: ${names.join(", ") || EVERYTHING}`);
}

menu.addEventListener("change", (event) => {
  // A chosen document stays in the list, whatever is searched for next.
  const found = event.target.closest("#scope-found .scope-choice");
  if (found && event.target.checked) {
    chosen.append(found);
    event.target.focus();
  }
  describe();
});

menu.querySelector("[data-scope-clear]").addEventListener("click", () => {
  for (const input of menu.querySelectorAll("input:checked")) input.checked = false;
  describe();
});

menu.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
});

// A browser that restores a page restores its ticks too.
describe();
