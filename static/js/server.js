// Talking to the server, and telling the person about it.

/** Post a form; return the HTML that the server answers with. Throws with a sentence. */
export async function post(url, body) {
  const response = await fetch(url, { method: "POST", body, headers: { "HX-Request": "true" } });
  if (response.redirected) {
    // To the sign-in page; nothing more is to be done here.
    location.reload();
    return new Promise(() => {});
  }
  const text = await response.text();
  if (response.ok) return text;
  const isSentence = response.headers.get("Content-Type")?.startsWith("text/plain");
  throw new Error(isSentence ? text : "The server could not do this. Reload the page.");
}

/** What to tell a person about something that `post` threw. */
export function sentence(error) {
  if (error instanceof TypeError) return "The server could not be reached. Try again in a moment.";
  return error.message;
}

/** Fetch a part of a page; null where it cannot be had. */
export async function part(url) {
  try {
    const response = await fetch(url, { headers: { "HX-Request": "true" } });
    if (response.ok && !response.redirected) return parse(await response.text());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return null;
}

export function toast(text, level = "info") {
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, level } }));
}

const announcer = document.getElementById("announcer");

/** Let a screen reader say something, also when it is the same as before. */
export function announce(text) {
  announcer.replaceChildren();
  requestAnimationFrame(() => (announcer.textContent = text));
}

export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return document.importNode(template.content, true);
}
