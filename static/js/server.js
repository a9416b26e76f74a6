// Talking to the server, and telling the person about it.

/** Post a form; return the HTML that the server answers with. Throws with a sentence. */
export async function post(url, body) {
  const response = await fetch(url, { method: "POST", body, headers: { "HX-Request": "true" } });
  if (response.redirected) {
    // To the sign-in page, which leads back here.
    location.reload();
    return new Promise(() => {});
  }
  const text = await response.text();
  if (response.ok) return text;
  const isSentence = response.headers.get("Content-Type")?.startsWith("text/plain");
  throw new Error(isSentence ? text : refusal(response.status));
}

/** What to tell a person about an answer of this status, where the server has no sentence. */
export function refusal(status) {
  if (status === 401 || status === 403) return "You are no longer signed in, or may not do this. Reload the page.";
  if (status === 404) return "This is no longer there. Reload the page.";
  return "The server could not do this. Reload the page.";
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
