// A formula that is copied from the page becomes the LaTeX that it was written in.

document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (!selection || selection.isCollapsed || !event.clipboardData) return;
  const range = selection.getRangeAt(0).cloneRange();
  const first = mathAround(range.startContainer);
  const last = mathAround(range.endContainer);
  if (first) range.setStartBefore(first);
  if (last) range.setEndAfter(last);
  const copied = document.createElement("div");
  copied.append(range.cloneContents());
  const formulas = copied.querySelectorAll("math");
  if (!formulas.length) return;
  const html = copied.innerHTML;
  for (const math of formulas) math.replaceWith(latexOf(math));
  event.clipboardData.setData("text/plain", textOf(copied));
  event.clipboardData.setData("text/html", html);
  event.preventDefault();
});

function mathAround(node) {
  return (node instanceof Element ? node : node.parentElement)?.closest("math");
}

function latexOf(math) {
  const signs = math.getAttribute("display") === "block" ? "$$" : "$";
  return `${signs}${math.querySelector("annotation")?.textContent ?? math.textContent}${signs}`;
}

// Only what is laid out has lines.
function textOf(element) {
  element.className = "visually-hidden copied";
  document.body.append(element);
  const text = element.innerText;
  element.remove();
  return text;
}
