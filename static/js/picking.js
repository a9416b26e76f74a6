// The documents page: picking rows, and how many are picked.

const boxes = () => [...document.querySelectorAll(".document-pick input")];

function show() {
  const all = document.getElementById("pick-all");
  const picked = boxes().filter((box) => box.checked).length;
  all.checked = picked > 0 && picked === boxes().length;
  all.indeterminate = picked > 0 && !all.checked;
  document.getElementById("picked").textContent = picked ? `${picked} picked` : "Pick all";
}

document.addEventListener("change", (event) => {
  if (event.target.id === "pick-all") for (const box of boxes()) box.checked = event.target.checked;
  if (event.target.id === "pick-all" || event.target.closest(".document-pick")) show();
});

document.addEventListener("htmx:afterSettle", show);
