// The search page: the address holds what is looked for and nothing else; "/" goes to the field.

const form = document.getElementById("search-form");
const field = document.getElementById("search-q");

form.addEventListener("htmx:configRequest", (event) => {
  const { parameters } = event.detail;
  for (const [name, value] of Object.entries(parameters)) if (!value.length) delete parameters[name];
});

// What was pushed by typing is gone back to as a whole page: the fields must say what it shows.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) form.reset();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  field.focus();
  field.select();
});
