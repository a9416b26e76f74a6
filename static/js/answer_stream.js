// Draws one answer while it is being written, from its server-sent events.

import { parse } from "./server.js";

const ENDS = ["done", "stopped", "failed"];

/**
 * Follow the answer of `article` until it ends; return a function that stops following.
 * EventSource resumes by itself after a lost connection; the server then sends what is missing.
 */
export function follow(article, { ended, lost }) {
  const events = new EventSource(article.dataset.events);
  const stage = article.querySelector("[data-stage]");
  const text = article.querySelector("[data-text]");
  // What the server had rendered when the page was loaded is the beginning of the same blocks.
  const blocks = [...text.children].map((element) => [element]);
  let stageText = stage.textContent;
  const on = (kind, handle) =>
    events.addEventListener(kind, (event) => handle(JSON.parse(event.data)));

  events.addEventListener("open", () => (stage.textContent = stageText));
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) lost(article);
    else stage.textContent = "Connection lost. Trying again…";
  });
  on("stage", (data) => (stage.textContent = stageText = data.text));
  on("evidence", (data) => {
    article.querySelector("[data-sources]").replaceChildren(parse(data.html));
  });
  on("block", (data) => draw(text, blocks, data));
  for (const kind of ENDS) {
    on(kind, (data) => {
      events.close();
      settle(article, parse(data.html).firstElementChild);
      ended(article);
    });
  }
  return () => events.close();
}

/** Put a block into its place. Drawing the same block twice changes nothing. */
function draw(text, blocks, { index, html, count }) {
  const nodes = html ? [...parse(html).childNodes] : [];
  if (index < blocks.length) {
    const [first, ...rest] = blocks[index];
    for (const node of rest) node.remove();
    first?.replaceWith(...nodes);
  } else {
    // The finished answer has line breaks there too: drawing it again would change nothing.
    if (text.hasChildNodes()) text.append("\n");
    text.append(...nodes);
  }
  if (nodes.length) blocks[index] = nodes;
  for (const dropped of blocks.splice(count)) for (const node of dropped) node.remove();
}

/** Make the article what the server shows of it from now on, touching only what differs. */
function settle(article, finished) {
  if (!finished) return article.remove();
  article.dataset.state = finished.dataset.state;
  article.toggleAttribute("data-ungrounded", "ungrounded" in finished.dataset);
  article.removeAttribute("aria-busy");
  delete article.dataset.events;
  const before = [...article.children];
  const after = [...finished.children];
  after.forEach((node, place) => {
    if (!before[place]) article.append(node);
    else if (!before[place].isEqualNode(node)) before[place].replaceWith(node);
  });
  for (const extra of before.slice(after.length)) extra.remove();
}
