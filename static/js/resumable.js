// A large file, sent in parts by the protocol tus 1.0: what breaks goes on where it stopped.

const PART_BYTES = 8 * 2 ** 20;
const PAUSES_MS = [500, 1000, 2000, 5000, 10000, 20000];
const HEADERS = { "Tus-Resumable": "1.0.0" };

/** What the server will not take; `code` and `existing` are those of its answer. */
export class NotTaken extends Error {
  constructor(sentence, { code = "", existing = "" } = {}) {
    super(sentence);
    this.code = code;
    this.existing = existing;
  }
}

/** One file on its way. `onProgress(bytes)` and `onWaiting(whether)` tell how it goes. */
export class ResumableUpload {
  #stopped = new AbortController();
  #request = null;
  #url = "";

  constructor(file, { endpoint, token, collection, onProgress, onWaiting }) {
    Object.assign(this, { file, endpoint, token, collection, onProgress, onWaiting });
  }

  /** Send what is missing; return the document's id. Throws NotTaken; returns "" when stopped. */
  async send() {
    try {
      this.#url = (await this.#unfinished()) || (await this.#begin());
      let { offset, id } = await this.#state();
      while (!id) {
        this.onProgress(offset);
        ({ offset, id } = await this.#sendPart(offset));
      }
      return id;
    } catch (error) {
      if (this.#stopped.signal.aborted) return "";
      throw error;
    }
  }

  /** Open a file that is there as a whole with its password; return the document's id. */
  async open(password) {
    const body = JSON.stringify({ password });
    const headers = { "Content-Type": "application/json" };
    const response = await this.#ask("POST", `${this.#url}finish/`, { headers, body });
    return (await response.json()).id;
  }

  /** Stop, and let the server forget what it has; return the id of what it made a document of before. */
  async stop() {
    this.#stopped.abort();
    this.#request?.abort();
    const headers = { ...HEADERS, "X-CSRFToken": this.token };
    for (let attempt = 0; this.#url; attempt += 1) {
      // While the last part is taken in, nobody else may touch the upload.
      const response = await fetch(this.#url, { method: "DELETE", headers, keepalive: true }).catch(() => null);
      if (response && !mayPass(response.status)) return stateOf(response.headers).id;
      await new Promise((resolve) => setTimeout(resolve, pauseAfter(attempt)));
    }
    return "";
  }

  // The same file, begun before a page was closed: by name, size and time of its last change.
  async #unfinished() {
    const { results } = await (await this.#ask("GET", this.endpoint)).json();
    const { name, size, lastModified } = this.file;
    const found = results.find(
      (one) =>
        one.filename === name && one.size_bytes === size && one.entries.modified === String(lastModified) && one.collection === this.collection,
    );
    return found ? `${this.endpoint}${found.id}/` : "";
  }

  async #begin() {
    const entries = { filename: this.file.name, collection: String(this.collection), modified: String(this.file.lastModified) };
    const told = Object.entries(entries).map(([name, value]) => `${name} ${base64(value)}`);
    const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": told.join(",") };
    const response = await this.#ask("POST", this.endpoint, { headers });
    return new URL(response.headers.get("Location"), location.href).pathname;
  }

  async #state() {
    return stateOf((await this.#ask("HEAD", this.#url)).headers);
  }

  // XMLHttpRequest tells how much of a part is sent; fetch does not.
  async #sendPart(offset) {
    const part = this.file.slice(offset, offset + PART_BYTES);
    const answer = await new Promise((resolve, reject) => {
      const request = (this.#request = new XMLHttpRequest());
      request.upload.addEventListener("progress", (event) => this.onProgress(offset + event.loaded));
      request.addEventListener("load", () => resolve(request));
      for (const end of ["error", "abort", "timeout"]) request.addEventListener(end, () => resolve(null));
      request.open("PATCH", this.#url);
      const headers = { ...HEADERS, "X-CSRFToken": this.token, "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      // A file that was changed or deleted since it was chosen cannot be read.
      part.slice(0, 1).arrayBuffer().then(() => request.send(part), () => reject(new NotTaken("The file was changed or moved. Add it again.")));
    });
    this.#stopped.signal.throwIfAborted();
    if (answer?.status === 204) {
      return stateOf({ get: (name) => answer.getResponseHeader(name) });
    }
    if (answer && !mayPass(answer.status)) throw refusal(answer.status, answer.responseText);
    // The state is asked for until the server answers: there it goes on.
    await this.#pause(0);
    return this.#state();
  }

  async #ask(method, url, { headers = {}, body } = {}) {
    for (let attempt = 0; ; attempt += 1) {
      const response = await this.#attempt(method, url, headers, body);
      if (response?.ok) {
        this.onWaiting(false);
        return response;
      }
      if (response && !mayPass(response.status)) throw refusal(response.status, await response.text());
      await this.#pause(attempt);
    }
  }

  async #attempt(method, url, headers, body) {
    const all = { ...HEADERS, "X-CSRFToken": this.token, ...headers };
    try {
      return await fetch(url, { method, headers: all, body, signal: this.#stopped.signal });
    } catch (error) {
      if (error instanceof TypeError) return null;
      throw error;
    }
  }

  /** Wait a little longer each time, but no longer than until the connection is back. */
  async #pause(attempt) {
    this.onWaiting(true);
    const { signal } = this.#stopped;
    await new Promise((resolve) => {
      setTimeout(resolve, pauseAfter(attempt));
      window.addEventListener("online", resolve, { once: true });
      signal.addEventListener("abort", resolve, { once: true });
    });
    signal.throwIfAborted();
  }
}

const pauseAfter = (attempt) => PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)];

const stateOf = (headers) => ({ offset: Number(headers.get("Upload-Offset")), id: headers.get("X-Pagewise-Document") ?? "" });

// 409: another offset; 423: another request is at work; 429: too many; the rest: not there now.
const mayPass = (status) => [409, 423, 429, 502, 503, 504].includes(status);

function refusal(status, text) {
  if (status === 401 || status === 403) return signedOut();
  if (status === 404 || status === 410) return new NotTaken("The time for this upload is over. Add the file again.");
  try {
    const { detail, code, existing } = JSON.parse(text);
    return new NotTaken(detail, { code, existing });
  } catch {
    return new NotTaken(`The server could not take the file (${status}). Try again later.`);
  }
}

const signedOut = () => new NotTaken("You are no longer signed in, or may not add documents here. Reload the page and add the file again.");

const base64 = (text) => btoa(String.fromCodePoint(...new TextEncoder().encode(text)));
