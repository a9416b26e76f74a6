// The documents page: drag and drop, one upload per file with its progress, and live states.

const PARALLEL_UPLOADS = 2;
const POLL_MS = 1000;
const POLL_MS_AFTER_FAILURE = 5000;

const form = document.getElementById("upload");
const picker = document.getElementById("upload-files");
const uploads = document.getElementById("uploads");
const rowTemplate = document.getElementById("upload-row");
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
  enqueue((await Promise.all(entries.map(filesOf))).flat());
});

const kinds = picker.accept.split(",");
const isTaken = ({ name, type }) => kinds.includes(type) || kinds.includes(name.slice(name.lastIndexOf(".")).toLowerCase());

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    // A folder is taken for the documents in it; what lies beside them was not meant.
    if (!batch.length) return files.filter(isTaken);
    files.push(...(await Promise.all(batch.map(filesOf))).flat());
  }
}

// --- Uploading ------------------------------------------------------------------------------

const waiting = [];
const uploadOf = new WeakMap();
let running = 0;

function enqueue(files) {
  const target = document.getElementById("upload-target").value;
  for (const file of files) {
    const upload = { file, target, password: "", request: null, row: newRow(file) };
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
  while (running < PARALLEL_UPLOADS && waiting.length) send(waiting.shift());
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
    uploadOf.set(before ? before.nextElementSibling : uploads.firstElementChild, upload);
    announce(`${file.name} was not taken.`);
  } else {
    row.remove();
    htmx.swap(document.getElementById("documents"), request.responseText, { swapStyle: "afterbegin" });
    announce(`${file.name} was sent.`);
    schedulePoll(POLL_MS);
  }
}

function refuse({ row, file }, reason) {
  row.classList.add("refused");
  row.querySelector(".document-status").innerHTML = '<span class="badge badge-danger">Not taken</span>';
  const sentence = document.createElement("span");
  sentence.className = "document-error";
  sentence.textContent = reason;
  row.querySelector(".document-main").append(sentence);
  announce(`${file.name} was not taken. ${reason}`);
}

function stop(upload) {
  const place = waiting.indexOf(upload);
  if (place >= 0) waiting.splice(place, 1);
  upload.request?.abort();
  upload.row.remove();
}

uploads.addEventListener("click", (event) => {
  const row = event.target.closest("li");
  if (event.target.closest("[data-upload-cancel]")) stop(uploadOf.get(row));
  if (event.target.closest("[data-upload-dismiss]")) row.remove();
});

uploads.addEventListener("submit", (event) => {
  event.preventDefault();
  const row = event.target.closest("li");
  const upload = uploadOf.get(row);
  upload.password = event.target.querySelector("input").value;
  upload.row = newRow(upload.file);
  uploadOf.set(upload.row, upload);
  row.replaceWith(upload.row);
  waiting.push(upload);
  startNext();
});

document.getElementById("dismiss-all").addEventListener("click", () => {
  for (const row of uploads.querySelectorAll(".refused")) row.remove();
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
