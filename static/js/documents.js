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

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return files;
    // A folder is taken for its PDF files; what lies beside them was not meant.
    const wanted = batch.filter((inner) => inner.isDirectory || /\.pdf$/i.test(inner.name));
    files.push(...(await Promise.all(wanted.map(filesOf))).flat());
  }
}

// --- Uploading ------------------------------------------------------------------------------

const waiting = [];
let running = 0;

function enqueue(files) {
  const target = document.getElementById("upload-target").value;
  for (const file of files) {
    const row = rowTemplate.content.firstElementChild.cloneNode(true);
    row.querySelector("[data-name]").textContent = file.name;
    row.querySelector("[data-size]").textContent = megabytes(file.size);
    uploads.append(row);
    const upload = { file, row, target, request: null };
    row.querySelector("[data-upload-cancel]").addEventListener("click", () => stop(upload));
    if (file.size > Number(form.dataset.maxBytes)) {
      refuse(upload, `It is larger than the ${form.dataset.maxMb} MB that are taken.`);
    } else {
      waiting.push(upload);
    }
  }
  startNext();
}

function startNext() {
  while (running < PARALLEL_UPLOADS && waiting.length) send(waiting.shift());
}

function send(upload) {
  const { file, row, target } = upload;
  const request = (upload.request = new XMLHttpRequest());
  const label = row.querySelector("[data-label]");
  const bar = row.querySelector("progress");
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

  const body = new FormData();
  body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.append("collection", target);
  body.append("files", file);
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  request.setRequestHeader("HX-Current-URL", location.href);
  request.send(body);
}

function finish(upload) {
  const { request, row, file } = upload;
  if (request.status === 201) {
    htmx.swap(document.getElementById("documents"), request.responseText, { swapStyle: "afterbegin" });
    row.remove();
    announce(`${file.name} was sent.`);
    schedulePoll(POLL_MS);
  } else if (request.status === 422) {
    htmx.swap(row, request.responseText, { swapStyle: "outerHTML" });
    announce(`${file.name} was not taken.`);
  } else if (request.status === 403) {
    refuse(upload, "You are no longer signed in. Reload the page and add the file again.");
  } else {
    refuse(upload, `The server could not take the file (${request.status}). Try again later.`);
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
  if (event.target.closest("[data-upload-dismiss]")) event.target.closest("li").remove();
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

// --- Filters: an empty field does not belong into the address. ------------------------------------

document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.id !== "filters") return;
  const { parameters } = event.detail;
  for (const [name, value] of Object.entries(parameters)) if (!value) delete parameters[name];
  if (parameters.order === "newest") delete parameters.order;
});

schedulePoll(POLL_MS);
