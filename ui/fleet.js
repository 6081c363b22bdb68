// The fleet as people watch it: jobs and workers over the last minute, every worker by state, the scaler's reason.
// showFleet() is given what GET /v1/status answers.

const HISTORY_MS = 60_000;
const FREE_TILES_MAX = 32;
const SVG = "http://www.w3.org/2000/svg";

// In the order of a worker's life.
const STATES = ["pending", "starting", "idle", "busy", "draining", "stopping", "stopped"];

const $ = (id) => document.getElementById(id);

function stateOf({ state, worker }) {
  if (state === "running") return worker === "unknown" ? "starting" : worker;
  return state === "shutting-down" ? "draining" : state;
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// ---- workers, each a tile

const counts = new Map(STATES.map((state) => [state, element("b", { textContent: "0" })]));
$("states").append(...STATES.map((state) =>
  element("li", {}, element("i", { className: state }), counts.get(state), state)));

function showWorkers(instances, cap) {
  const states = instances.map(stateOf);
  for (const [state, count] of counts) {
    const number = states.filter((one) => one === state).length;
    count.textContent = number;
    count.parentElement.dataset.count = number;
    count.parentElement.dataset.state = state;
  }
  const there = states.filter((state) => state !== "stopped").length;
  $("worker-count").textContent = `${there} of ${cap}`;
  const tiles = instances.map(({ name, jobs_done }, at) =>
    element("i", { className: states[at], title: `${name}: ${states[at]}, ${jobs_done} photos` }));
  for (let at = instances.length; at < Math.min(cap, FREE_TILES_MAX); ++at) {
    tiles.push(element("i", { className: "free", title: "no worker: started when photos wait" }));
  }
  $("workers").replaceChildren(...tiles);
  return there;
}

// ---- the last minute

const history = [];

function path(className, points, closed) {
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("class", className);
  line.setAttribute("d", `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(2)}`).join("L")}${closed ? "Z" : ""}`);
  return line;
}

function showHistory(now, waiting, jobs, workers, cap) {
  history.push({ now, waiting, jobs, workers });
  while (history[0].now < now - HISTORY_MS) history.shift();
  const most = Math.max(1, ...history.map((moment) => moment.jobs));
  const x = (moment) => HISTORY_MS - (now - moment.now);
  const jobsY = (value) => 100 * (1 - value / most);
  const points = (value) => history.map((moment) => [x(moment), value(moment)]);
  const chart = $("history");
  chart.setAttribute("viewBox", `0 0 ${HISTORY_MS} 100`);
  const area = points((moment) => jobsY(moment.jobs));
  chart.replaceChildren(
    path("jobs", [[area[0][0], 100], ...area, [HISTORY_MS, 100]], true),
    path("waiting", points((moment) => jobsY(moment.waiting))),
    path("workers", points((moment) => 100 * (1 - moment.workers / Math.max(1, cap)))));
  const title = document.createElementNS(SVG, "title");
  title.textContent = `The last minute: jobs (filled, at most ${most}), those of them that wait (thin), ` +
    `workers (thick, of ${cap})`;
  chart.append(title);
}

export function showFleet(status) {
  const { visible, in_flight } = status.queues.request;
  const { instances, cap } = status.fleet;
  showHistory(status.now_ms, visible, visible + in_flight, showWorkers(instances, cap), cap);
  const scaler = status.autoscaler;
  $("reason").title = scaler?.reason ?? "";
  if (!scaler) return;
  const wish = element("b", { textContent: `${scaler.policy} wants ${scaler.target}` });
  $("reason").replaceChildren(wish, `: ${scaler.reason}`);
}
