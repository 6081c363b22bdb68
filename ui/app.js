// The page: photos in, boxes and names out, and the system's state while it works.
// Talks to POST /v1/recognise, POST /v1/galleries/default/persons/{p}/photos and GET /v1/status.

import { showFleet } from "/ui/fleet.js";

const UPLOADS_AT_ONCE = 5;  // browsers open six connections to one place: one stays free for the status
const PHOTOS_TOGETHER = 20;  // in one request, where many wait: so that a crowd of photos meets a crowd of workers
const BYTES_TOGETHER = 16e6;
const LOOK_EVERY_MS = 300;
let question = "/v1/recognise";  // or /v1/classify, where that is what the system does
const FACE_MARGIN = 0.6;  // of a face's size, kept around it when it is cut out to be enrolled
const RETRIES_WHEN_BUSY = 20;

const $ = (id) => document.getElementById(id);
let key = sessionStorage.getItem("facefleet-key") ?? "";
let keyGiven = Promise.resolve();  // pending while a key is asked for

// ---- talking to the gateway

class Refusal extends Error {
  constructor(body, status) {
    super(body?.error?.message ?? `The server answered ${status}.`);
    this.reason = body?.error?.reason ?? "";
  }
}

function askForKey() {
  if (!$("key-form").hidden) return;
  $("key-form").hidden = false;
  $("key").focus();
  keyGiven = new Promise((resolve) => {
    $("key-form").onsubmit = (event) => {
      event.preventDefault();
      key = $("key").value.trim();
      sessionStorage.setItem("facefleet-key", key);
      $("key-form").hidden = true;
      $("key").value = "";
      resolve();
    };
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The JSON that a request is answered with. Waits for a key where one is needed, and where the system is busy.
async function call(path, options = {}) {
  for (let tries = 0; ; ++tries) {
    await keyGiven;
    const used = key;
    const headers = { ...options.headers, ...(used && { Authorization: `Bearer ${used}` }) };
    const response = await fetch(path, { ...options, headers });
    if (response.status === 401) {
      if (used === key) askForKey();
      continue;
    }
    const busy = response.status === 429 || response.status === 503;
    if (busy && options.method === "POST" && tries < RETRIES_WHEN_BUSY) {
      await pause(1000 * (Number(response.headers.get("Retry-After")) || 1));
      continue;
    }
    const body = await response.json().catch(() => null);
    if (!response.ok) throw new Refusal(body, response.status);
    return body;
  }
}

// ---- uploads, a few requests at a time, in the order in which the photos came

const waiting = [];
let underWay = 0;

// The next request's cards: one where few wait, else as many as let all of them be under way at once.
function nextCards() {
  const share = Math.min(PHOTOS_TOGETHER, Math.ceil(waiting.length / (UPLOADS_AT_ONCE - underWay)));
  let count = 1;
  for (let bytes = waiting[0].file.size; count < share; ++count) {
    if ((bytes += waiting[count].file.size) > BYTES_TOGETHER) break;
  }
  return waiting.splice(0, count);
}

function pump() {
  while (underWay < UPLOADS_AT_ONCE && waiting.length) {
    const cards = nextCards();
    ++underWay;
    recognise(cards).finally(() => { --underWay; pump(); });
  }
}

function addFiles(files) {
  const cards = Array.from(files, makeCard);
  $("cards").prepend(...cards.map((card) => card.element));
  waiting.push(...cards);
  pump();
}

// ---- cards

function makeCard(file) {
  const element = $("card").content.firstElementChild.cloneNode(true);
  const part = (selector) => element.querySelector(selector);
  const card = { file, element, image: part("img"), faces: part(".faces"), label: part(".label"),
                 detail: part(".detail"), form: part(".enrol") };
  part(".name").textContent = card.image.alt = file.name;
  card.label.textContent = "waiting";
  card.image.src = URL.createObjectURL(file);
  card.image.addEventListener("error", () => { card.image.hidden = true; });
  const resized = new ResizeObserver(() => layOver(card));
  resized.observe(card.image);
  resized.observe(part(".photo"));
  return card;
}

// .faces covers the image exactly, so that boxes can be placed in fractions of it.
function layOver({ image, faces }) {
  Object.assign(faces.style, { left: `${image.offsetLeft}px`, top: `${image.offsetTop}px`,
                               width: `${image.offsetWidth}px`, height: `${image.offsetHeight}px` });
}

async function ask(form) {
  try {
    return await call(question, { method: "POST", body: form });
  } catch (error) {
    if (error.reason !== "kind_not_served" || question === "/v1/classify") throw error;
    question = "/v1/classify";
    return ask(form);
  }
}

async function recognise(cards) {
  const form = new FormData();
  for (const card of cards) {
    card.element.className = "card working";
    card.label.textContent = "looking";
    card.detail.textContent = "";
    form.append("photo", card.file);
  }
  try {
    const answer = await ask(form);
    const outcomes = [answer].flat();
    for (const [at, card] of cards.entries()) {
      if (outcomes[at].error) fail(card, new Refusal(outcomes[at]));
      else show(card, outcomes[at]);
    }
  } catch (error) {
    // One bad photo refuses the request: each of them then has its own.
    if (cards.length > 1) for (const card of cards) await recognise([card]);
    else fail(cards[0], error);
  }
}

function fail(card, error) {
  card.element.className = "card wrong";
  const reason = error instanceof Refusal ? error.message : "The system could not be reached.";
  card.label.textContent = card.label.title = reason;
  card.detail.textContent = error.reason ?? "";
}

function show(card, outcome) {
  if (outcome.classes) {
    card.element.className = "card done";
    card.label.textContent = outcome.label;
    card.detail.textContent = outcome.classes.slice(0, 3).map(({ name, score }) => `${name} ${score.toFixed(2)}`)
      .join(" · ");
    return;
  }
  const known = outcome.label !== "unknown" && outcome.label !== "no face";
  card.element.className = `card done${known ? "" : " stranger"}`;
  card.label.textContent = outcome.label;
  const main = outcome.faces[outcome.main_face];
  const best = main?.matches[0];
  const parts = [outcome.faces.length === 1 ? "1 face" : `${outcome.faces.length} faces`];
  if (best) parts.push(`${known ? "similarity" : `closest ${best.person}`} ${best.similarity.toFixed(2)}`);
  parts.push(`${Math.round(outcome.timings_ms.total)} ms`);
  card.detail.textContent = parts.join(" · ");
  card.faces.replaceChildren(...outcome.faces.map((face) => faceBox(card, outcome, face)));
  layOver(card);
}

function faceBox(card, outcome, face) {
  const box = document.createElement("button");
  const { x, y, width, height } = face.box_normalised;
  const known = face.label !== "unknown";
  const isName = known || face.main;
  box.type = "button";
  box.className = ["face", !known && "unknown", face.main && "main", y + height > 0.88 && "low", x > 0.55 && "right"]
    .filter(Boolean).join(" ");
  box.title = known ? `${face.label}: enrol this face` : "Enrol this face";
  const percent = (value) => `${100 * value}%`;
  Object.assign(box.style, { left: percent(x), top: percent(y), width: percent(width), height: percent(height) });
  if (isName) {
    const name = document.createElement("span");
    name.textContent = face.label;
    box.append(name);
  }
  box.addEventListener("click", () => openEnrolment(card, outcome, face));
  return box;
}

// ---- giving a face its name

function openEnrolment(card, outcome, face) {
  const input = card.form.querySelector("input");
  card.form.hidden = false;
  input.value = face.label === "unknown" ? "" : face.label;
  input.focus();
  card.form.querySelector(".quiet").onclick = () => { card.form.hidden = true; };
  card.form.onsubmit = async (event) => {
    event.preventDefault();
    const person = input.value.trim();
    if (!person) return;
    card.form.hidden = true;
    card.element.className = "card working";
    card.label.textContent = `enrolling ${person}`;
    try {
      const photo = face.main ? card.file : await cutOut(card.image, face.box_normalised);
      const form = new FormData();
      form.append("photo", photo, card.file.name);
      await call(`/v1/galleries/default/persons/${encodeURIComponent(person)}/photos`, { method: "POST", body: form });
      await recogniseUntilSeen(card, outcome.gallery_version);
    } catch (error) {
      show(card, outcome);
      card.detail.textContent = error.message;
    }
  };
}

// Workers see a new version of the gallery within a second.
async function recogniseUntilSeen(card, versionBefore) {
  for (let tries = 0; tries < 8; ++tries) {
    const form = new FormData();
    form.append("photo", card.file);
    const outcome = await call("/v1/recognise", { method: "POST", body: form });
    if (outcome.gallery_version !== versionBefore || tries === 7) return show(card, outcome);
    await pause(250);
  }
}

function cutOut(image, box) {
  const canvas = document.createElement("canvas");
  const [w, h] = [image.naturalWidth, image.naturalHeight];
  const margin = FACE_MARGIN * Math.max(box.width * w, box.height * h);
  const left = Math.max(0, box.x * w - margin), top = Math.max(0, box.y * h - margin);
  canvas.width = Math.min(w, (box.x + box.width) * w + margin) - left;
  canvas.height = Math.min(h, (box.y + box.height) * h + margin) - top;
  canvas.getContext("2d").drawImage(image, left, top, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

// ---- the system's state

function showStatus(status) {
  $("waiting").textContent = status.queues.request.visible.toLocaleString();
  $("in-work").textContent = status.queues.request.in_flight.toLocaleString();
  $("rate").textContent = status.answers_per_s.toLocaleString(undefined, { maximumFractionDigits: 1 });
  showFleet(status);
  $("system").textContent = `${status.system}, profile ${status.profile}, version ${status.version} ·`;
  $("notice").textContent = status.draining ? "The system is ending." : "";
}

async function watch() {
  for (;;) {
    if (!document.hidden) {
      try {
        showStatus(await call("/v1/status"));
      } catch (error) {
        const reason = error instanceof Refusal ? error.message : "The system cannot be reached; trying again.";
        $("notice").textContent = reason;
      }
    }
    await pause(LOOK_EVERY_MS);
  }
}

// ---- photos from the picker, from a drop, from the clipboard

$("files").addEventListener("change", () => { addFiles($("files").files); $("files").value = ""; });
for (const kind of ["dragover", "dragenter"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); $("drop").classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  addFiles(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => addFiles(event.clipboardData.files));

watch();
