// The page: what is chosen goes to the server, what the server has seen is drawn. No part of it computes a training.
"use strict";

const $ = (id) => document.getElementById(id);
const form = $("settings");
const COLOURS = [[213, 94, 0], [0, 114, 178], [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233], [90, 90, 90]];
const SHAPES = ["triangle", "circle", "square", "diamond", "plus", "cross", "bar"];
const KINDS = { plane: "numbers", gaussians: "classes" };

let strings = {}, language = "en", options = null;
let state = { run: -1, version: -1, running: false, frame: null, curves: { loss: [], val_loss: [] }, settings: null, points: null };
let preset = null;  // whose sentence is shown
let wrong = null;  // the error that is told
let lost = false, timer = null;
let queue = Promise.resolve(), pending = 0;  // clicks that have no answer yet
let isTyping = false;  // something that is not sent yet

// ---- words and numbers ---------------------------------------------------------------------------------------------

function t(key, values = {}) {
  const text = strings[language][key];
  if (text === undefined) throw new Error(`no text for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function shown(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  const small = value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5);
  if (!small) return value.toLocaleString(language, { maximumSignificantDigits: digits });
  const [mantissa, power] = value.toExponential(1).split("e");
  const raised = [...String(Number(power))].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("");
  return `${Number(mantissa).toLocaleString(language)}·10${raised}`;
}

const percent = (value) => (value === undefined || value === null ? "–"
  : value.toLocaleString(language, { style: "percent", maximumFractionDigits: 1 }));

function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = `mundur ${t("playground")}`;
  try { localStorage.setItem("mundur-language", chosen); } catch { /* a browser may forbid it */ }
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  $("language").value = chosen;
  fillChoices();
  if (state.settings) showSettings(state.settings);
  if (state.frame) showAll();
  showError(wrong);
}

// ---- what is chosen ------------------------------------------------------------------------------------------------

function fill(select, names, prefix = "") {
  const value = select.value;
  select.replaceChildren(...names.map((name) => new Option(prefix ? t(prefix + name) : name, name)));
  if (names.includes(value)) select.value = value;
}

function fillChoices() {
  fill(form.elements.data, options.choices.data, "data_");
  fill(form.elements.initializer, options.choices.initializer);
  fill(form.elements.optimizer, options.choices.optimizer);
  fill(form.elements.regularizer, options.choices.regularizer, "regularizer_");
  fill($("speed"), options.speeds, "speed_");
}

function kind(data = form.elements.data.value) {
  if (data !== "csv") return KINDS[data] || "binary";
  const classes = state.settings && state.settings.data === "csv" ? state.points.classes.length : 2;
  return classes === 0 ? "numbers" : classes === 2 ? "binary" : "classes";
}

function showChoices() {
  const isCsv = form.elements.data.value === "csv";
  $("csv").hidden = !isCsv;
  for (const label of form.querySelectorAll(".made")) label.hidden = isCsv;
  $("momentum").hidden = !options.momentum.includes(form.elements.optimizer.value);
  $("strength").hidden = form.elements.regularizer.value === "none";
  fill(form.elements.loss, options.losses[kind()], "loss_");
  const layers = $("hidden-layers").children.length;
  $("add-layer").disabled = layers >= options.limits.layers[1];
}

function layerRow(layer, number) {
  const row = document.createElement("li"), label = document.createElement("span");
  const units = document.createElement("input"), activation = document.createElement("select");
  const remove = document.createElement("button");
  label.className = "number";
  label.textContent = number;
  Object.assign(units, { type: "number", min: 1, max: options.limits.units[1], step: 1, value: layer.units });
  units.dataset.field = `units of layer ${number}`;
  units.setAttribute("aria-label", t("units_of", { number }));
  fill(activation, options.choices.activation);
  activation.value = layer.activation;
  activation.setAttribute("aria-label", t("activation_of", { number }));
  Object.assign(remove, { type: "button", textContent: "×" });
  remove.setAttribute("aria-label", t("remove_layer", { number }));
  remove.onclick = () => { row.remove(); configure(); };
  row.append(label, units, activation, remove);
  activation.dataset.field = `activation of layer ${number}`;
  return row;
}

function showSettings(settings) {
  for (const [name, value] of Object.entries(settings)) {
    const element = form.elements[name];
    if (element && name !== "layers" && name !== "loss") element.value = value;
  }
  const rows = $("hidden-layers");
  const same = rows.children.length === settings.layers.length && rows.dataset.language === language
    && JSON.stringify(layersChosen()) === JSON.stringify(settings.layers);
  if (!same) rows.replaceChildren(...settings.layers.map((layer, at) => layerRow(layer, at + 1)));
  rows.dataset.language = language;
  showChoices();
  form.elements.loss.value = settings.loss;
  $("csv-name").textContent = settings.csv || "";
}

const layersChosen = () => [...$("hidden-layers").children].map((row) => ({
  units: row.querySelector("input").value === "" ? null : Number(row.querySelector("input").value),
  activation: row.querySelector("select").value,
}));

function chosen() {
  const settings = { layers: layersChosen() };
  for (const element of form.elements) {
    if (!element.name || element.id) continue;
    settings[element.name] = element.type !== "number" ? element.value : element.value === "" ? null : Number(element.value);
  }
  return settings;
}

function configure() {
  showChoices();
  if (form.elements.data.value === "csv" && !(state.settings && state.settings.csv)) return;  // a file comes first
  notePreset(null);
  begin("api/adjust", () => ({ settings: chosen() }));
}

function notePreset(name) {
  preset = name;
  $("sentence").textContent = name ? t(`sentence_${name}`) : "";
  for (const button of document.querySelectorAll("[data-preset]")) {
    button.setAttribute("aria-pressed", String(button.dataset.preset === name));
  }
}

// Another training, or this one with another learning rate; where one was running, it runs, too.
function begin(path, body) {
  const wasRunning = state.running;
  return act(path, body).then((done) => (done && wasRunning ? act("api/start", () => ({ speed: $("speed").value })) : done));
}

async function sendCsv(file) {
  let text;
  if (file.size > options.largest) return showError({ field: "csv", message: options.told.large });
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    return showError({ field: "csv", message: options.told.no_text });
  }
  notePreset(null);
  return begin("api/csv", () => ({ name: file.name, text, settings: chosen() }));
}

// ---- the server ----------------------------------------------------------------------------------------------------

async function ask(path, body) {
  const request = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const response = await fetch(path, { cache: "no-store", ...request });
  if (response.status === 403) throw new TypeError("replaced");  // this page is another server's
  return response.json();
}

// One after another, in the order of the clicks.
function act(path, body = () => ({})) {
  pending += 1;
  queue = queue.then(async () => {
    try {
      const answer = await ask(path, body()).finally(() => { pending -= 1; });
      if (answer.error) { showError(answer.error); return false; }
      showError(null);
      take(answer);
      poll(0);
      return true;
    } catch (error) {
      showLost(error);
      return false;
    }
  });
  return queue;
}

function poll(wait) {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    let next = 2000;
    try {
      const { run, version } = state;
      take(await ask(`api/state?run=${run}&version=${version}&epoch=${state.curves.loss.length}`));
      if (lost) { lost = false; showNotice(); }
      next = state.running ? 60 : 1000;
    } catch (error) {
      showLost(error);
    }
    poll(next);
  }, wait);
}

function take(answer) {
  if (answer.run < state.run || (answer.run === state.run && answer.version < state.version)) return;  // overtaken
  const wasRunning = state.running;
  state.running = answer.running;
  if (answer.frame) {
    if (answer.first > state.curves.loss.length && answer.run === state.run) return;  // a part is missing
    for (const name of ["loss", "val_loss"]) {
      state.curves[name] = state.curves[name].slice(0, answer.run === state.run ? answer.first : 0).concat(answer.curves[name]);
    }
    Object.assign(state, { run: answer.run, version: answer.version, frame: answer.frame });
    if (answer.settings) {
      Object.assign(state, { settings: answer.settings, points: answer.points });
      // What is chosen meanwhile is newer.
      if (!pending && !isTyping) showSettings(answer.settings);
    }
    showAll();
  } else if (wasRunning !== state.running) {
    showRunning();
  }
}

// ---- what is said --------------------------------------------------------------------------------------------------

function showError(error) {
  wrong = error;
  for (const element of document.querySelectorAll("[aria-invalid]")) element.removeAttribute("aria-invalid");
  $("error").hidden = !error;
  if (!error) return;
  const element = error.field === "csv" ? $("csv-file")
    : form.elements[error.field] || document.querySelector(`[data-field="${CSS.escape(error.field)}"]`);
  if (element && element.setAttribute) element.setAttribute("aria-invalid", "true");
  const [, what, number] = /^(units|activation) of layer (\d+)$/.exec(error.field) || [];
  const label = what ? t(`${what}_of`, { number }) : strings[language][error.field] || error.field;
  const message = error.message[language];
  $("error").textContent = label ? `${label}: ${message}` : message;
}

function showLost(error) {
  if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
  lost = error.message === "replaced" ? "replaced" : "lost";
  state.running = false;
  showNotice();
  showRunning();
}

function showNotice() {
  const { error, over, epoch } = state.frame || {};
  let text = "";
  if (lost) text = t(lost);
  else if (error && error.code === "nonfinite") text = t("nonfinite", { ...error, rate: shown(error.learning_rate) });
  else if (error) text = t("failed", error);
  else if (over) text = t("ended", { epochs: shown(epoch, 6) });
  if ($("notice").textContent !== text) $("notice").textContent = text;
  $("notice").hidden = !text;
  $("notice").classList.toggle("bad", Boolean(lost || error));
}

function showRunning() {
  const { epoch, step, steps, over, so_far: soFar } = state.frame;
  Object.assign(document.body.dataset, { running: state.running, epoch, step });
  $("run").textContent = t(state.running ? "stop" : "run");
  for (const id of ["run", "step", "epoch"]) $(id).disabled = over && !state.running;
  for (const id of ["back-step", "back-epoch", "reset"]) $(id).disabled = epoch === 0 && step === 0 && !state.frame.error;
  $("where").textContent = step === 0 ? t("where", { epoch: shown(epoch, 6) })
    : t("where_step", { epoch: shown(epoch + 1, 6), step, steps, loss: shown(soFar.loss) });
}

function showAll() {
  showRunning();
  showNotice();
  const { last } = state.frame;
  $("loss").textContent = shown(last.loss);
  $("val-loss").textContent = shown(last.val_loss);
  $("acc").textContent = percent(last.accuracy);
  $("val-acc").textContent = percent(last.val_accuracy);
  drawBoundary();
  drawCurves();
  drawNetwork();
  showLayers();
  if (preset) notePreset(preset);
}

// ---- drawing -------------------------------------------------------------------------------------------------------

function canvas(id) {
  const element = $(id), scale = window.devicePixelRatio || 1;
  const width = element.clientWidth, height = element.clientHeight;
  if (element.width !== Math.round(width * scale) || element.height !== Math.round(height * scale)) {
    element.width = Math.round(width * scale);
    element.height = Math.round(height * scale);
  }
  const context = element.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { element, context, width, height };
}

const rgb = (colour) => `rgb(${colour.map(Math.round).join(",")})`;
const mixed = (a, b, share) => a.map((value, at) => value + (b[at] - value) * share);
const WHITE = [255, 255, 255];

function cellColour(value, at) {
  const classes = state.frame.boundary.classes;
  if (classes) return mixed(WHITE, COLOURS[classes[at]], 0.12 + 0.5 * value);
  return numberColour(value, 1.2);
}

const numberColour = (value, strength) => mixed(WHITE, COLOURS[value < 0.5 ? 0 : 1], strength * Math.min(0.5, Math.abs(value - 0.5)));

function mark(context, shape, x, y, size) {
  context.beginPath();
  if (shape === "circle") context.arc(x, y, size, 0, 2 * Math.PI);
  const corners = {
    triangle: [[0, -1.25], [1.15, 0.85], [-1.15, 0.85]],
    square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
    diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
    plus: [[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]],
    cross: [[-1.1, -0.6], [-0.6, -1.1], [0, -0.5], [0.6, -1.1], [1.1, -0.6], [0.5, 0], [1.1, 0.6], [0.6, 1.1], [0, 0.5], [-0.6, 1.1], [-1.1, 0.6], [-0.5, 0]],
    bar: [[-1.3, -0.5], [1.3, -0.5], [1.3, 0.5], [-1.3, 0.5]],
  }[shape] || [];
  corners.forEach(([dx, dy], at) => (at ? context.lineTo(x + size * dx, y + size * dy) : context.moveTo(x + size * dx, y + size * dy)));
  context.closePath();
}

function drawBoundary() {
  const { element, context, width, height } = canvas("boundary");
  const { values } = state.frame.boundary, side = Math.sqrt(values.length);
  const image = new ImageData(side, side);
  values.forEach((value, at) => image.data.set([...cellColour(value / 100, at), 255], 4 * at));
  const small = new OffscreenCanvas(side, side);
  small.getContext("2d").putImageData(image, 0, 0);
  // Its points are those of a grid that ends at the picture's edge, so half a cell lies beyond it.
  const margin = 0.5 / (side - 1) * width;
  context.drawImage(small, -margin, -margin, width + 2 * margin, height + 2 * margin);
  if (!state.frame.boundary.classes && state.points.classes.length) drawContour(context, values, side, width);
  const { train, validation, classes, extent } = state.points;
  const place = (value) => (value / extent + 1) / 2 * width;
  const size = train.length + validation.length > 600 ? 2.6 : 4;
  for (const [points, isFilled] of [[validation, false], [train, true]]) {
    for (const [x, y, label] of points) {
      if (classes.length) {
        const colour = rgb(mixed(COLOURS[label], [0, 0, 0], 0.15));
        mark(context, SHAPES[label], place(x), place(-y), isFilled ? size : size - 0.7);
        Object.assign(context, { fillStyle: isFilled ? colour : "#fff", strokeStyle: isFilled ? "#fff" : colour, lineWidth: isFilled ? 1 : 1.7 });
      } else {
        mark(context, isFilled ? "circle" : "diamond", place(x), place(-y), size + 0.5);
        Object.assign(context, { fillStyle: rgb(numberColour((label + 1) / 2, 2)), strokeStyle: "#333", lineWidth: 1.2 });
      }
      context.fill();
      context.stroke();
    }
  }
  context.fillStyle = "#1c1c1c";
  context.font = "14px system-ui, sans-serif";
  context.fillText("x₁ →", width - 36, height - 8);
  context.fillText("↑ x₂", 6, 18);
  $("boundary-title").textContent = t(classes.length ? "boundary_classes" : "boundary_numbers");
  element.setAttribute("aria-label", t("boundary_told", { epoch: state.frame.epoch, train: train.length, validation: validation.length }));
  showLegend(classes);
}

// Where the output is a half: marching squares.
function drawContour(context, values, side, width) {
  const cell = width / (side - 1);
  context.beginPath();
  for (let row = 0; row + 1 < side; row += 1) {
    for (let column = 0; column + 1 < side; column += 1) {
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([dx, dy]) => [column + dx, row + dy, values[(row + dy) * side + column + dx] - 50.001]);
      const cuts = [];
      corners.forEach(([x, y, value], at) => {
        const [nextX, nextY, next] = corners[(at + 1) % 4];
        if (value * next < 0) cuts.push([(x + (nextX - x) * value / (value - next)) * cell, (y + (nextY - y) * value / (value - next)) * cell]);
      });
      for (let at = 0; at + 1 < cuts.length; at += 2) {
        context.moveTo(...cuts[at]);
        context.lineTo(...cuts[at + 1]);
      }
    }
  }
  context.lineWidth = 2;
  context.strokeStyle = "#1c1c1c";
  context.stroke();
}

const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function showLegend(classes) {
  const key = JSON.stringify([classes, language]);
  if ($("legend").dataset.of === key) return;
  $("legend").dataset.of = key;
  const entries = classes.length ? classes.map((name, at) => [t("class", { name }), at, SHAPES[at]])
    : [[t("low"), 0, "circle"], [t("high"), 1, "circle"]];
  const spans = entries.map(([text, colour, shape]) => {
    const picture = document.createElement("canvas"), span = document.createElement("span");
    Object.assign(picture, { width: 32, height: 32 });
    Object.assign(picture.style, { width: "16px", height: "16px", display: "inline-block", verticalAlign: "-3px" });
    const context = picture.getContext("2d");
    context.fillStyle = rgb(COLOURS[colour]);
    mark(context, shape, 16, 16, 10);
    context.fill();
    span.append(picture, ` ${text}`);
    return span;
  });
  for (const name of classes.length ? ["filled", "hollow"] : ["circles", "diamonds"]) {
    const span = document.createElement("span");
    span.textContent = t(name);
    spans.push(span);
  }
  $("legend").replaceChildren(...spans);
}

function drawCurves() {
  const { element, context, width, height } = canvas("curves");
  const { loss, val_loss: validation } = state.curves, isLog = $("log").checked;
  const finite = [...loss, ...validation].filter((value) => value !== null && (!isLog || value > 0));
  const scale = isLog ? Math.log10 : (value) => value;
  let least = isLog ? Infinity : 0, most = -Infinity;
  for (const value of finite) { least = Math.min(least, scale(value)); most = Math.max(most, scale(value)); }
  if (!finite.length) [least, most] = isLog ? [-3, 0] : [0, 1];
  if (isLog) [least, most] = [Math.floor(least), Math.ceil(most)];
  if (most <= least) most = least + 1;
  if (!isLog) most += 0.05 * (most - least);
  const left = 52, right = width - 10, top = 8, bottom = height - 26;
  const epochs = Math.max(loss.length, 2);
  const x = (at) => left + (right - left) * at / (epochs - 1);
  const y = (value) => bottom - (bottom - top) * (scale(value) - least) / (most - least);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = "#444";
  context.strokeStyle = "#e1e5e8";
  context.lineWidth = 1;
  const ticks = isLog ? powers(least, most) : evenly(least, most);
  context.textAlign = "right";
  for (const value of ticks) {
    context.beginPath();
    context.moveTo(left, y(value));
    context.lineTo(right, y(value));
    context.stroke();
    context.fillText(shown(value, 2), left - 6, y(value) + 4);
  }
  context.textAlign = "center";
  for (const at of evenly(1, epochs).filter(Number.isInteger)) context.fillText(shown(at, 6), Math.min(x(at - 1), right - 10), height - 8);
  for (const [values, colour, dashes] of [[loss, "#0072b2", []], [validation, "#d55e00", [7, 4]]]) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2.2;
    context.setLineDash(dashes);
    context.beginPath();
    const stride = Math.max(1, Math.floor(values.length / (2 * width)));
    let isDown = false;
    values.forEach((value, at) => {
      if (at % stride && at !== values.length - 1) return;
      const isSeen = value !== null && (!isLog || value > 0);
      if (isSeen) context[isDown ? "lineTo" : "moveTo"](x(at), y(value));
      isDown = isSeen;
    });
    context.stroke();
    context.setLineDash([]);
    if (values.length === 1 && values[0] !== null) { context.beginPath(); context.arc(x(0), y(values[0]), 3, 0, 7); context.fill(); }
  }
  const { last, epoch, rates } = state.frame;
  let told = t("curves_told", { epoch, loss: shown(last.loss), val_loss: shown(last.val_loss) });
  if (rates.length > 1) {
    drawRates(context, rates, x, top, bottom);
    told += t("rates_told", { rates: rates.map(([at, , rate]) => `${shown(rate)} (${at + 1})`).join(", ") });
  }
  element.setAttribute("aria-label", told);
}

// Where the learning rate changed: between the loss of the epoch before and that of the one it began in.
function drawRates(context, rates, x, top, bottom) {
  context.strokeStyle = context.fillStyle = "#595959";
  context.lineWidth = 1;
  context.setLineDash([2, 3]);
  context.textAlign = "left";
  rates.slice(1).forEach(([epoch, , rate], at) => {
    const place = x(epoch - 0.5);
    context.beginPath();
    context.moveTo(place, top);
    context.lineTo(place, bottom);
    context.stroke();
    context.fillText(`η ${shown(rate)}`, place + 3, top + 12 + 14 * (at % 4));
  });
  context.setLineDash([]);
}

function evenly(least, most) {
  const rough = (most - least) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((part) => part * power).find((part) => part >= rough);
  const ticks = [];
  for (let at = Math.ceil(least / step - 1e-9); at * step <= most * (1 + 1e-9); at += 1) ticks.push(Number((at * step).toPrecision(12)));
  return ticks;
}

function powers(least, most) {
  const step = Math.max(1, Math.ceil((most - least) / 8)), ticks = [];
  for (let power = least; power <= most; power += step) ticks.push(10 ** power);
  return ticks;
}

function drawNetwork() {
  const { element, context, width, height } = canvas("network");
  const { layers } = state.frame;
  const columns = [2, ...layers.map((layer) => layer.bias.length)];
  const names = ["x", ...layers.map((_, at) => (at + 1 === layers.length ? "ŷ" : String(at + 1)))];
  const radius = Math.max(4, Math.min(11, width / columns.length / 5));
  const x = (column) => 22 + (width - 44) * (columns.length === 1 ? 0.5 : column / (columns.length - 1));
  const y = (unit, count) => 12 + (height - 36) * (unit + 0.5) / count;
  layers.forEach((layer, at) => {
    const most = Math.max(...layer.weights.flat().map((w) => Math.abs(w ?? 0)), 1e-12);
    layer.weights.forEach((row, from) => row.forEach((weight, to) => {
      const share = Math.abs(weight ?? 0) / most;
      context.beginPath();
      context.moveTo(x(at) + radius, y(from, columns[at]));
      context.lineTo(x(at + 1) - radius, y(to, columns[at + 1]));
      context.lineWidth = 0.4 + 4 * share;
      context.globalAlpha = 0.15 + 0.75 * share;
      context.strokeStyle = weight < 0 ? "#d55e00" : "#0072b2";
      context.setLineDash(weight < 0 ? [5, 3] : []);
      context.stroke();
    }));
  });
  context.globalAlpha = 1;
  context.setLineDash([]);
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  columns.forEach((count, column) => {
    for (let unit = 0; unit < count; unit += 1) {
      const bias = column ? layers[column - 1].bias[unit] : null;
      context.beginPath();
      context.arc(x(column), y(unit, count), radius, 0, 2 * Math.PI);
      context.fillStyle = bias === null ? "#fff" : bias < 0 ? "#fbe3d2" : "#d5e8f4";
      context.fill();
      context.lineWidth = 1.5;
      context.strokeStyle = "#444";
      context.stroke();
    }
    context.fillStyle = "#1c1c1c";
    context.fillText(names[column], x(column), height - 6);
  });
  $("left-out").textContent = layers.some((layer) => layer.units > layer.bias.length) ? t("left_out") : "";
  element.setAttribute("aria-label", t("weights_told", { layers: layers.length }));
}

function showLayers() {
  const { layers } = state.frame, body = $("layers").tBodies[0];
  body.replaceChildren(...layers.map((layer, at) => {
    const row = document.createElement("tr"), name = document.createElement("th");
    name.scope = "row";
    name.textContent = at + 1 === layers.length ? t("output") : String(at + 1);
    row.append(name);
    const highest = Math.max(...layer.counts, 1), wide = 76 / layer.counts.length;
    const bars = layer.counts.map((count, i) => drawn("rect", {
      x: i * wide, width: wide - 1, height: 26 * count / highest, y: 26 - 26 * count / highest,
    }));
    const title = drawn("title", {}, `${shown(layer.edges[0])} … ${shown(layer.edges[1])}`);
    const bar = document.createElement("span");
    bar.className = "bar";
    bar.style.width = `${100 * Math.min(1, Math.max(0, (Math.log10(layer.gradient || 1e-9) + 8) / 9))}%`;
    const cells = [shown(layer.units), drawn("svg", { viewBox: "0 0 76 26", role: "img" }, title, ...bars), shown(layer.norm), shown(layer.gradient)];
    for (const content of cells) row.insertCell().append(content);
    row.lastChild.append(bar);
    return row;
  }));
}

// ---- the buttons ---------------------------------------------------------------------------------------------------

const toggle = () => act(state.running ? "api/stop" : "api/start", () => ({ speed: $("speed").value }));
const back = (what) => act("api/back", () => ({ what }));

function connect() {
  $("run").onclick = toggle;
  $("step").onclick = () => act("api/step");
  $("epoch").onclick = () => act("api/epoch");
  $("back-step").onclick = () => back("step");
  $("back-epoch").onclick = () => back("epoch");
  $("reset").onclick = () => act("api/reset");
  $("speed").onchange = () => { if (state.running) act("api/start", () => ({ speed: $("speed").value })); };
  $("language").onchange = () => setLanguage($("language").value);
  $("log").onchange = drawCurves;
  form.onsubmit = (event) => event.preventDefault();
  form.oninput = (event) => { isTyping = !event.target.closest("#csv"); };
  form.onchange = (event) => {
    isTyping = false;
    if (!event.target.closest("#csv")) configure();
  };
  // A browser that writes 0.5 drops the comma of 0,5 and is left with 5.
  form.addEventListener("beforeinput", (event) => {
    if (event.target.type !== "number" || !event.data?.includes(",")) return;
    event.preventDefault();
    document.execCommand("insertText", false, event.data.replaceAll(",", "."));
  });
  form.addEventListener("focusout", () => {  // after its change, if it is one
    if (isTyping && !pending) showSettings(state.settings);
    isTyping = false;
  });
  $("add-layer").onclick = () => {
    const rows = $("hidden-layers"), last = layersChosen().at(-1) || { units: 4, activation: "tanh" };
    rows.append(layerRow(last, rows.children.length + 1));
    configure();
  };
  $("csv-file").onclick = () => { $("csv-file").value = ""; };  // so that the same file may be read again
  $("csv-file").onchange = () => { if ($("csv-file").files.length) sendCsv($("csv-file").files[0]); };
  $("csv-read").onclick = () => begin("api/csv", () => ({ path: $("csv-path").value, settings: chosen() }));
  for (const button of document.querySelectorAll("[data-preset]")) {
    button.onclick = () => {
      const name = button.dataset.preset;
      document.activeElement.blur();
      begin("api/configure", () => ({ settings: options.presets[name] })).then((done) => { if (done) notePreset(name); });
      button.focus();
    };
  }
  $("show-code").onclick = async () => {
    const code = await (await fetch("api/code", { cache: "no-store" })).text();
    $("code").querySelector("pre").textContent = code;
    $("copied").textContent = "";
    $("code").showModal();
  };
  $("close-code").onclick = () => $("code").close();
  $("copy").onclick = async () => {
    const pre = $("code").querySelector("pre");
    try {
      await navigator.clipboard.writeText(pre.textContent);
      $("copied").textContent = t("copied");
    } catch {
      getSelection().selectAllChildren(pre);
      $("copied").textContent = t("not_copied");
    }
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("code").open) return;
    const isButton = event.target.closest("button, a, summary");
    if (event.target.closest("input, select, textarea") || (isButton && [" ", "Enter"].includes(event.key))) return;
    const buttons = {
      " ": "run", ArrowRight: event.shiftKey ? "epoch" : "step", ArrowLeft: event.shiftKey ? "back-epoch" : "back-step", r: "reset", R: "reset",
    };
    if (!(event.key in buttons)) return;
    event.preventDefault();
    $(buttons[event.key]).click();
  });
  new ResizeObserver(() => { if (state.frame) { drawBoundary(); drawCurves(); drawNetwork(); } }).observe(document.body);
}

async function main() {
  [strings, options] = await Promise.all([ask("strings.json"), ask("api/options")]);
  for (const [name, [least, most]] of Object.entries(options.limits)) {
    const input = form.elements[name];
    if (input && input.type === "number") Object.assign(input, { min: least, max: most });
  }
  $("rates").replaceChildren(...[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3].map((rate) => new Option(rate, rate)));
  let wanted = navigator.language.toLowerCase().split("-")[0];
  try { wanted = localStorage.getItem("mundur-language") || wanted; } catch { /* a browser may forbid it */ }
  setLanguage(wanted in strings ? wanted : wanted === "in" ? "id" : "en");
  $("speed").value = "normal";
  connect();
  take(await ask("api/state"));
  poll(60);
}

main();
