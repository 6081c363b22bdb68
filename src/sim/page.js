// Draws one trace at a time: arrivals, then queue and workers of each chosen policy. `figures` is written by page.cc.
"use strict";

const OURS = "#0f9d8f";
const COLOURS = ["#d97706", "#2563eb", "#c026d3", "#dc2626", "#65a30d", "#7c3aed", "#0891b2", "#a16207", "#db2777",
                 "#475569", "#ea580c", "#4f46e5", "#15803d", "#9f1239"];
const SHOWN_AT_FIRST = 4;
const HEIGHTS = { arrivals: 150, queued: 220, workers: 240 };

const colours = new Map();
const shown = new Set();
let charts = [];

const element = (id) => document.getElementById(id);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A policy has one colour on all traces; its tuned row shares it, dashed.
function colourOf(row) {
  const name = row.policy.replace(" (tuned)", "");
  if (row.ours) return OURS;
  if (!colours.has(name)) colours.set(name, COLOURS[colours.size % COLOURS.length]);
  return colours.get(name);
}

function axis(values) {
  return { stroke: style("--quiet"), grid: { stroke: style("--line"), width: 1 }, ticks: { stroke: style("--line") },
           size: 54, values };
}

function draw(id, title, trace, series, step) {
  const times = trace.arrivals.map((_, i) => i * trace.step_s);
  const options = {
    title, width: element(id).clientWidth, height: HEIGHTS[id], legend: { show: false },
    cursor: { sync: { key: "trace" }, points: { show: false } },
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, Math.max(1, high * 1.05)] } },
    axes: [axis((_, all) => all.map((value) => value + " s")), axis()],
    series: [{}, ...series.map(({ row, fill }) => ({
      stroke: row ? colourOf(row) : style("--quiet"), width: row && row.ours ? 3 : 1.5, fill,
      dash: row && row.policy.endsWith("(tuned)") ? [6, 4] : undefined, points: { show: false },
      paths: step ? uPlot.paths.stepped({ align: 1 }) : undefined,
    }))],
  };
  element(id).replaceChildren();
  charts.push(new uPlot(options, [times, ...series.map((one) => one.values)], element(id)));
}

function drawAll(trace) {
  charts.forEach((chart) => chart.destroy());
  charts = [];
  // What is ours is drawn last, above the others.
  const rows = trace.rows.filter((row) => shown.has(row.policy)).sort((a, b) => a.ours - b.ours);
  draw("arrivals", "arrivals, jobs/s", trace, [{ values: trace.arrivals, fill: style("--line") }]);
  draw("queued", "queue: jobs waiting and in work", trace, rows.map((row) => ({ row, values: row.queued })), true);
  draw("workers", "workers, starting ones included", trace, rows.map((row) => ({ row, values: row.workers })), true);
}

function cell(text) {
  const made = document.createElement("td");
  made.append(text);
  return made;
}

function tableRow(trace, row) {
  const made = document.createElement("tr");
  made.className = (row.ours ? "ours " : "") + (row.held ? "held" : "missed");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = shown.has(row.policy);
  box.setAttribute("aria-label", "show " + row.policy);
  box.addEventListener("change", () => {
    if (box.checked) shown.add(row.policy); else shown.delete(row.policy);
    drawAll(trace);
  });
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = colourOf(row);
  const name = cell(swatch);
  name.append(row.policy);
  made.append(cell(box), name, cell(row.held ? "yes" : "no"), cell(row.worker_seconds.toFixed(1)),
              cell(row.ratio === null ? "–" : row.ratio.toFixed(2)), cell(row.p95.toFixed(2)), cell(row.peak),
              cell(row.launches), cell(row.lost));
  return made;
}

function show(trace) {
  for (const button of element("traces").children)
    button.setAttribute("aria-pressed", String(button.textContent === trace.name));
  element("trace").textContent = `${trace.name}: ${trace.help}; ${trace.jobs} jobs`;
  shown.clear();
  trace.rows.filter((row) => row.ours).forEach((row) => shown.add(row.policy));
  trace.rows.slice(0, SHOWN_AT_FIRST).forEach((row) => shown.add(row.policy));
  element("rows").replaceChildren(...trace.rows.map((row) => tableRow(trace, row)));
  drawAll(trace);
  history.replaceState(null, "", "#" + encodeURIComponent(trace.name));
}

function begin() {
  element("setting").textContent =
    `A worker starts in ${figures.start_s} s, a job takes ${figures.service_s} s, at most ${figures.cap} workers. ` +
    `A policy holds the wait if 95 of 100 jobs begin within ${figures.wait_s} s of their arrival and none is lost; ` +
    "the cheapest that does is first.";
  for (const trace of figures.traces) {
    trace.rows.forEach(colourOf);
    const button = document.createElement("button");
    button.textContent = trace.name;
    button.addEventListener("click", () => show(trace));
    element("traces").append(button);
  }
  const asked = decodeURIComponent(location.hash.slice(1));
  const current = () => figures.traces.find((trace) => "#" + encodeURIComponent(trace.name) === location.hash);
  show(figures.traces.find((trace) => trace.name === asked) ?? figures.traces[0]);
  addEventListener("resize", () => drawAll(current()));
}

begin();
