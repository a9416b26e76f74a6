// The documents page: drag and drop, one upload per file with its progress, and live states.

import { NotTaken, ResumableUpload } from "./resumable.js";
import { toast } from "./server.js";

const PARALLEL_UPLOADS = 2;
// Larger files are sent in parts, which a broken connection does not undo.
const RESUMABLE_FROM_BYTES = 16 * 2 ** 20;
const OPENED_BY_A_PASSWORD = ["encrypted", "wrong_password"];
// Stands in addresses of the page where a document's id belongs.
const NO_ID = "00000000-0000-0000-0000-000000000000";
const POLL_MS = 1000;
const POLL_MS_AFTER_FAILURE = 5000;

const form = document.getElementById("upload");
const picker = document.getElementById("upload-files");
const uploads = document.getElementById("uploads");
const rowTemplate = document.getElementById("upload-row");
const refusedTemplate = document.getElementById("refused-row");
const announcer = document.getElementById("announcer");
const poll = document.getElementById("poll");

// --- Choosing files -------------------------------------------------------------------------

picker.addEventListener("change", () => {
  enqueue([...picker.files]);
  picker.value = "";
});

form.addEventListener("submit", (event) => event.preventDefault());

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
let dragDepth = 0;

function showDragging(depth) {
  dragDepth = Math.max(0, depth);
  form.classList.toggle("dragging", dragDepth > 0);
}

document.addEventListener("dragenter", (event) => carriesFiles(event) && showDragging(dragDepth + 1));
document.addEventListener("dragleave", (event) => carriesFiles(event) && showDragging(dragDepth - 1));
document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  showDragging(0);
  // The entries must be taken before the first await: the drop's data is gone after it.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const unread = [];
  enqueue((await Promise.all(entries.map((entry) => filesOf(entry, unread)))).flat());
  if (unread.length) toast(`Could not be read, and left out: ${unread.join(", ")}.`, "warning");
});

const kinds = picker.accept.split(",");
const isTaken = ({ name, type }) => kinds.includes(type) || kinds.includes(name.slice(name.lastIndexOf(".")).toLowerCase());

/** The files of what was dropped; the names of what the browser cannot read go into `unread`. */
async function filesOf(entry, unread) {
  try {
    return entry.isFile ? [await new Promise((resolve, reject) => entry.file(resolve, reject))] : await filesIn(entry, unread);
  } catch {
    unread.push(`“${entry.name}”`);
    return [];
  }
}

async function filesIn(folder, unread) {
  const reader = folder.createReader();
  const files = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    // A folder is taken for the documents in it; what lies beside them was not meant.
    if (!batch.length) return files.filter(isTaken);
    files.push(...(await Promise.all(batch.map((entry) => filesOf(entry, unread)))).flat());
  }
}

// --- Uploading ------------------------------------------------------------------------------

const waiting = [];
const uploadOf = new WeakMap();
let running = 0;

function enqueue(files) {
  const target = document.getElementById("upload-target").value;
  for (const file of files) {
    const upload = { file, target, password: "", request: null, parts: null, row: newRow(file) };
    for (const row of uploads.querySelectorAll("[data-unfinished]")) {
      if (row.dataset.unfinished === file.name && Number(row.dataset.size) === file.size) row.remove();
    }
    uploads.append(upload.row);
    uploadOf.set(upload.row, upload);
    if (file.size > Number(form.dataset.maxBytes)) {
      refuse(upload, `It is larger than the ${form.dataset.maxMb} MB that are taken.`);
    } else {
      waiting.push(upload);
    }
  }
  startNext();
}

function newRow(file) {
  const row = rowTemplate.content.firstElementChild.cloneNode(true);
  row.querySelector("[data-name]").textContent = file.name;
  row.querySelector("[data-size]").textContent = megabytes(file.size);
  return row;
}

function startNext() {
  while (running < PARALLEL_UPLOADS && waiting.length) {
    const upload = waiting.shift();
    if (upload.file.size > RESUMABLE_FROM_BYTES) sendInParts(upload);
    else send(upload);
  }
}

async function sendInParts(upload) {
  const { file, target } = upload;
  running += 1;
  upload.row.querySelector("[data-label]").textContent = "Sending";
  upload.parts ??= new ResumableUpload(file, {
    endpoint: form.dataset.parts,
    token: form.elements.csrfmiddlewaretoken.value,
    collection: Number(target),
    onProgress: (bytes) => showSent(upload, bytes),
    onWaiting: (waits) => showWaiting(upload, waits),
  });
  try {
    const { parts, password } = upload;
    const id = await (password ? parts.open(password) : parts.send());
    if (id) await showDocument(upload, id);
  } catch (error) {
    if (!(error instanceof NotTaken)) throw error;
    refuse(upload, error.message, error);
  } finally {
    running -= 1;
    startNext();
  }
}

function showSent({ row, file }, bytes) {
  row.querySelector("progress").value = bytes / file.size;
  row.querySelector("[data-label]").textContent =
    bytes < file.size ? `${megabytes(bytes)} of ${megabytes(file.size)} sent` : "Checking";
  if (bytes >= file.size) row.querySelector("progress").removeAttribute("value");
}

function showWaiting({ row, file }, waits) {
  if (row.classList.contains("waits") === waits) return;
  row.classList.toggle("waits", waits);
  row.querySelector("[data-label]").textContent = waits ? "The connection was lost; waiting to go on" : "Going on";
  announce(waits ? `The connection was lost while ${file.name} was sent. It goes on by itself.` : `${file.name} goes on.`);
}

async function showDocument({ row, file }, id) {
  row.remove();
  announce(`${file.name} was sent.`);
  const response = await fetch(form.dataset.taken.replace(NO_ID, id), { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
  if (!response.ok) return location.reload();
  htmx.swap(document.getElementById("documents"), await response.text(), { swapStyle: "afterbegin" });
  schedulePoll(POLL_MS);
}

function send(upload) {
  const request = (upload.request = new XMLHttpRequest());
  const label = upload.row.querySelector("[data-label]");
  const bar = upload.row.querySelector("progress");
  running += 1;
  label.textContent = "Sending";
  request.upload.addEventListener("progress", (event) => {
    bar.value = event.loaded / event.total;
    label.textContent = `${megabytes(event.loaded)} of ${megabytes(event.total)} sent`;
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    label.textContent = "Checking";
    // The server has it all, and takes it whether this page listens or not.
    upload.row.querySelector("[data-upload-cancel]").remove();
  });
  request.addEventListener("load", () => finish(upload));
  request.addEventListener("error", () => refuse(upload, "The connection was lost. Add the file again."));
  request.addEventListener("loadend", () => {
    running -= 1;
    startNext();
  });
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  request.setRequestHeader("HX-Current-URL", location.href);
  request.send(bodyOf(upload));
}

function bodyOf({ file, target, password }) {
  const body = new FormData();
  body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.append("collection", target);
  body.append("password", password);
  body.append("file", file);
  return body;
}

function finish(upload) {
  const { request, row, file } = upload;
  // A redirect leads to the sign-in page.
  if (request.status === 403 || !request.responseURL.startsWith(form.action)) {
    refuse(upload, "You are no longer signed in. Reload the page and add the file again.");
  } else if (request.status !== 200) {
    refuse(upload, `The server could not take the file (${request.status}). Try again later.`);
  } else if (new DOMParser().parseFromString(request.responseText, "text/html").querySelector(".refused")) {
    const before = row.previousElementSibling;
    htmx.swap(row, request.responseText, { swapStyle: "outerHTML" });
    upload.row = before ? before.nextElementSibling : uploads.firstElementChild;
    uploadOf.set(upload.row, upload);
    announce(`${file.name} was not taken.`);
  } else {
    row.remove();
    htmx.swap(document.getElementById("documents"), request.responseText, { swapStyle: "afterbegin" });
    announce(`${file.name} was sent.`);
    schedulePoll(POLL_MS);
  }
}

function refuse(upload, reason, { code = "", existing = "" } = {}) {
  const { file } = upload;
  const row = refusedTemplate.content.firstElementChild.cloneNode(true);
  row.querySelector("strong").textContent = file.name;
  const sentence = row.querySelector(".document-error");
  sentence.textContent = reason;
  if (existing) {
    const link = document.createElement("a");
    link.href = form.dataset.document.replace(NO_ID, existing);
    link.textContent = "Open it";
    sentence.append(" ", link);
  }
  if (OPENED_BY_A_PASSWORD.includes(code)) row.querySelector("input").ariaLabel = `Password of ${file.name}`;
  else row.querySelector("form").remove();
  replaceRow(upload, row);
  announce(`${file.name} was not taken. ${reason}`);
}

function replaceRow(upload, row) {
  upload.row.replaceWith(row);
  upload.row = row;
  uploadOf.set(row, upload);
}

async function stop(upload) {
  const place = waiting.indexOf(upload);
  if (place >= 0) waiting.splice(place, 1);
  upload.request?.abort();
  const label = upload.row.querySelector("[data-label]");
  if (upload.parts && label) {
    label.textContent = "Stopping";
    upload.row.querySelector("[data-upload-cancel]").remove();
  } else {
    upload.row.remove();
  }
  const id = await upload.parts?.stop();
  upload.row.remove();
  if (!id) return;
  await showDocument(upload, id);
  toast(`“${upload.file.name}” had been taken already: delete it if it is not wanted.`, "warning");
}

uploads.addEventListener("click", (event) => {
  const row = event.target.closest("li");
  if (event.target.closest("[data-upload-cancel]")) stop(uploadOf.get(row));
  if (event.target.closest("[data-upload-dismiss]")) dismiss(row);
});

// What was sent of a large file lies on the server until it is stopped.
function dismiss(row) {
  stop(uploadOf.get(row) ?? { row });
}

uploads.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-upload-password]")) return;
  event.preventDefault();
  const upload = uploadOf.get(event.target.closest("li"));
  upload.password = event.target.querySelector("input").value;
  replaceRow(upload, newRow(upload.file));
  waiting.push(upload);
  startNext();
});

document.getElementById("dismiss-all").addEventListener("click", () => {
  for (const row of uploads.querySelectorAll(".refused")) dismiss(row);
});

window.addEventListener("beforeunload", (event) => {
  if (running || waiting.length) event.preventDefault();
});

function megabytes(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

function announce(sentence) {
  announcer.textContent = sentence;
}

// --- Live states: one request for all rows that are in work, as long as there are some. ---------

let timer = 0;

function schedulePoll(delay) {
  clearTimeout(timer);
  timer = setTimeout(askForProgress, delay);
}

function askForProgress() {
  if (document.hidden || !document.querySelector("[name='active']")) return;
  htmx.trigger(poll, "poll");
}

poll.addEventListener("htmx:afterRequest", (event) => {
  schedulePoll(event.detail.successful ? POLL_MS : POLL_MS_AFTER_FAILURE);
});
document.addEventListener("visibilitychange", () => schedulePoll(0));
document.addEventListener("htmx:afterSettle", (event) => event.target !== poll && schedulePoll(POLL_MS));
document.addEventListener("htmx:oobAfterSwap", () => schedulePoll(POLL_MS));

// --- Back from another tab or window, where documents may have been added or deleted ---------------

const list = () => document.getElementById("results");
const inUse = () => list().contains(document.activeElement) || document.querySelector("#results [open], dialog[open]");

window.addEventListener("focus", () => {
  if (!inUse()) htmx.trigger(document.getElementById("refresh"), "refresh");
});

// --- Filters: an empty field does not belong into the address. ------------------------------------

document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.id !== "filters") return;
  const { parameters } = event.detail;
  for (const [name, value] of Object.entries(parameters)) if (!value) delete parameters[name];
  if (parameters.order === "newest") delete parameters.order;
});

schedulePoll(POLL_MS);
