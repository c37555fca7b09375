// The page of an explanation: one state, drawn anew after each change. See page.py for the data.
(() => {
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.getElementById("page");

// ---- what is shown ---------------------------------------------------------------------------

const SMALL = 12;      // neurons of a layer that are drawn and told one by one
const TERMS = 8;       // terms of a sum that are written out
const FORMULAS = 36;   // weights of a layer with a formula each
const CELLS = 144;     // weights of a layer in a table
const LINES = 40;      // equations that make a loss
const state = {
  step: 0, sample: data.samples.indexOf(data.sample), language: data.language, digits: 6, pick: null, gate: null, map: null,
  single: new Map(),  // of a parameter by its path, the element that is chosen
};

const layers = data.layers;
for (const layer of layers) layer.size = layer.shape.reduce((p, n) => p * n, 1);
const numbers = new Map(layers.map((layer, l) => [layer.name, l]));
const number = name => numbers.get(name.split("[")[0]) ?? -1;
const inputs = new Map(data.inputs.map(input => [input.name, input]));
// Recurrent layers: one by itself, or the two that a layer holds.
layers.forEach((layer, l) => layer.gates?.forEach((cell, k) => Object.assign(cell, { l, id: layer.gates.length > 1 ? `${l}.${k}` : `${l}` })));

const cache = new WeakMap();
function unpack(packed) {
  if (!packed) return null;
  if (!cache.has(packed)) {
    const bytes = Uint8Array.from(atob(packed.data), c => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const [wide, read] = { f4: [4, "getFloat32"], f8: [8, "getFloat64"], i4: [4, "getInt32"] }[packed.type];
    const values = Array.from({ length: bytes.length / wide }, (_, i) => view[read](i * wide, true));
    cache.set(packed, { shape: packed.shape, values });
  }
  return cache.get(packed);
}
// Of the sample that is shown, or of another one.
function row(packed, sample = state.sample) {
  const { shape, values } = unpack(packed);
  return values.slice(sample * shape[1], (sample + 1) * shape[1]);
}
const all = (l, name, sample) => layers[l].values[name] && row(layers[l].values[name].packed, sample);
const value = (l, name, j, sample) => all(l, name, sample)?.[j];
const given = (l, i, sample) => row(layers[l].x, sample)[i];
const parameter = (l, name) => layers[l].parameters.find(one => one.name === name);

// An element of the kernel or the bias; undefined where the page does not hold it.
function element(l, name, of, i, j) {
  const packed = parameter(l, name)?.values?.[of];
  if (!packed) return undefined;
  if (name === "bias") return unpack(packed).values[j];
  const column = layers[l].columns ? layers[l].columns.indexOf(j) : j;
  return column < 0 ? undefined : unpack(packed).values[i * packed.shape[1] + column];
}
// Its central difference: {backward, central, kink}.
function checked(l, name, i, j) {
  return checked_at(parameter(l, name), name === "bias" ? j : i * layers[l].shape[0] + j);
}
function checked_at(one, flat) {
  const check = one?.check;
  if (!check) return undefined;
  const at = unpack(check.places).values.indexOf(flat);
  if (at < 0) return undefined;
  const [backward, central, kink] = ["backward", "central", "kinks"].map(k => unpack(check[k]).values[at]);
  return { backward, central, kink };
}
const isDense = l => l >= 0 && layers[l].form === "dense";
const isUnits = l => isDense(l) || layers[l].form === "elementwise";
const isRowwise = l => !layers[l].values.slope;
const isLinear = l => layers[l].activation === "linear";
const takes = l => layers[l].takes[0].reduce((p, n) => p * n, 1);
const readers = l => layers.flatMap((other, k) => other.reads.some(name => number(name) === l) ? [k] : []);
// The one dense layer that a layer's a goes to, else -1.
function dense_behind(l) {
  const behind = readers(l);
  return behind.length === 1 && isDense(behind[0]) && !data.outputs.includes(layers[l].name) ? behind[0] : -1;
}
const isLast = l => data.outputs.some(name => number(name) === l);

// ---- texts and numbers -----------------------------------------------------------------------

function t(name, ...values) {
  const text = data.texts[state.language][name] ?? data.texts.en[name] ?? name;
  return text.replace(/\{(\d)\}/g, (_, i) => values[i]);
}
// As Python's format(v, ".6g"): [mantissa, exponent or null].
function parts(v, digits = state.digits) {
  v = Number(v);
  if (Number.isNaN(v)) return ["NaN", null];
  if (!Number.isFinite(v)) return [v > 0 ? "∞" : "-∞", null];
  if (v === 0) return ["0", null];
  const [mantissa, exponent] = v.toExponential(digits - 1).split("e");
  const trimmed = text => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  const power = Number(exponent);
  if (power < -4 || power >= digits) return [trimmed(mantissa), power];
  return [trimmed(v.toFixed(digits - 1 - power)), null];
}
const TEENS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
function plain(v, digits) {
  const [mantissa, power] = parts(v, digits);
  const text = mantissa.replace("-", "−");
  return power === null ? text : `${text}·10${[...String(power)].map(c => TEENS[c]).join("")}`;
}
function tex(v) {
  const [mantissa, power] = parts(v);
  return power === null ? mantissa : `${mantissa} \\cdot 10^{${power}}`;
}
function factor(v) {
  const text = tex(v);
  return /^-|cdot/.test(text) ? `(${text})` : text;
}
function fill(template, values) {
  return template.replace(/<([A-Za-z_0-9']+)>/g, (found, name, at) => {
    const alone = !at || /[({|]$/.test(template.slice(0, at)) && /^[)}|]/.test(template.slice(at + found.length));
    return alone ? tex(values[name]) : factor(values[name]);
  });
}
const count = n => Number(n).toLocaleString(state.language === "id" ? "id-ID" : "en-GB");
// "12", and "1,12" where that could be read in two ways; letters stay what they are.
function pair(...places) {
  const names = places.map(one => typeof one === "number" ? String(one + 1) : one);
  return names.join(names.some(name => name.length > 1) ? "," : "");
}
const above = l => layers.length > 1 ? `^{(${l + 1})}` : "";
const sym = (letter, l, j) => `${letter}_{${typeof j === "number" ? j + 1 : j}}${above(l)}`;
const weight = (l, i, j) => `w_{${pair(i, j)}}${above(l)}`;
function symbol_in(l, i) {
  const from = number(layers[l].reads[0]);
  return from < 0 ? `x_{${typeof i === "number" ? i + 1 : i}}` : sym("a", from, i);
}
const d = below => `\\frac{\\partial ${data.loss.penalty ? "(L + R)" : "L"}}{\\partial ${below}}`;
const dL = below => `\\frac{\\partial L}{\\partial ${below}}`;

// ---- LaTeX to MathML -------------------------------------------------------------------------

const MATHML = "http://www.w3.org/1998/Math/MathML";
const NAMES = {
  cdot: "·", leftarrow: "←", le: "≤", ge: "≥", neq: "≠", gamma: "γ", partial: "∂", eta: "η", mu: "μ", beta: "β", rho: "ρ",
  varepsilon: "ε", lambda: "λ", alpha: "α", delta: "δ", Phi: "Φ", varphi: "φ", sigma: "σ", pi: "π",
  Pi: "Π", nu: "ν", tau: "τ", sum: "∑", approx: "≈", to: "→", cdots: "⋯", infty: "∞",
};
const WORDS = ["max", "min", "ln", "tanh", "cosh"];
function m(name, ...children) {
  const made = document.createElementNS(MATHML, name);
  for (const child of children) made.append(child);
  return made;
}
function mathml(source) {
  const tokens = source.match(/\\[A-Za-z]+|\\[,|]|[0-9]+(?:\.[0-9]+)?|[^\s]/g) ?? [];
  let at = 0;
  const one = list => list.length === 1 ? list[0] : m("mrow", ...list);
  function group() {
    if (tokens[at] !== "{") return atom();
    at++;
    const made = sequence();
    at++;
    return one(made);
  }
  function words() {
    let text = "";
    for (at++; tokens[at] !== "}"; at++) text += tokens[at];
    at++;
    return text;
  }
  function atom() {
    const token = tokens[at++];
    if (token === "{") { at--; return group(); }
    if (token === "\\frac") { const top = group(); return m("mfrac", top, group()); }
    if (token === "\\sqrt") return m("msqrt", group());
    if (token === "\\operatorname") return m("mi", words());
    if (token === "\\,") { const space = m("mspace"); space.setAttribute("width", "0.2em"); return space; }
    if (token === "\\|") { const bar = m("mo", "‖"); set(bar, { stretchy: "false", lspace: "0", rspace: "0", form: "prefix" }); return bar; }
    const name = token[0] === "\\" ? token.slice(1) : "";
    if (WORDS.includes(name)) return m("mi", name);
    if (name === "sum") return m("mo", NAMES.sum);
    if (name) {
      const letter = /[α-ωΑ-Ω∞∂]/.test(NAMES[name]);
      const made = m(letter ? "mi" : "mo", NAMES[name] ?? name);
      return made;
    }
    if (/^[0-9]/.test(token)) return m("mn", token);
    if (/[A-Za-z]/.test(token)) return m("mi", token);
    const made = m("mo", { "-": "−", "'": "′", "*": "·" }[token] ?? token);
    if (token === "+") made.setAttribute("form", "infix");
    if ("()[]|".includes(token)) made.setAttribute("stretchy", "false");
    return made;
  }
  function sequence() {
    const made = [];
    while (at < tokens.length && tokens[at] !== "}") {
      // A sign, not a difference.
      if (tokens[at] === "-" && (at === 0 || /^([=({[,]|\\cdot|\\leftarrow|\\to|<)$/.test(tokens[at - 1]))) {
        const minus = m("mo", "−");
        set(minus, { form: "prefix", lspace: "0", rspace: "0" });
        made.push(minus);
        at++;
        continue;
      }
      const big = tokens[at] === "\\sum";
      const base = atom();
      let under = null, over = null;
      while (tokens[at] === "_" || tokens[at] === "^" || tokens[at] === "'") {
        const mark = tokens[at++];
        if (mark === "_") under = group();
        else over = mark === "'" ? m("mo", "′") : group();
      }
      const names = big ? ["munder", "mover", "munderover"] : ["msub", "msup", "msubsup"];
      made.push(under && over ? m(names[2], base, under, over) : under ? m(names[0], base, under)
        : over ? m(names[1], base, over) : base);
    }
    return made;
  }
  const math = document.createElementNS(MATHML, "math");
  math.append(m("mrow", ...sequence()));
  math.setAttribute("displaystyle", "true");
  math.dataset.tex = source;
  return math;
}

// A formula of several pieces, between which a line may break.
function eq(...pieces) {
  const made = h("span", { class: "eq" });
  for (const piece of pieces.flat()) if (piece !== null && piece !== undefined) {
    made.append(typeof piece === "string" ? mathml(piece) : piece);
  }
  return made;
}
const result = (v, key) => {
  const made = mathml(`= ${tex(v)}`);
  made.classList.add("result");
  made.dataset.value = plain(v);
  if (key) made.dataset.of = key;
  return made;
};

// ---- elements --------------------------------------------------------------------------------

function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  set(made, attributes);
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}
function set(made, attributes) {
  for (const [key, v] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), v);
    else if (v !== null && v !== undefined && v !== false) made.setAttribute(key, v === true ? "" : v);
  }
}
function s(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(made, attributes);
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}
const p = (...children) => h("p", {}, ...children);

// ---- steps -----------------------------------------------------------------------------------

const steps = [{ phase: "start", part: "start", layer: -1 }];
layers.forEach((layer, l) => {
  if (layer.form === "other") steps.push({ phase: "forward", part: "out", layer: l });
  else {
    if (isDense(l)) steps.push({ phase: "forward", part: "z", layer: l });
    if (!isLinear(l)) steps.push({ phase: "forward", part: "a", layer: l });
  }
});
steps.push({ phase: "loss", part: "loss", layer: layers.length });
[...layers.keys()].reverse().forEach(l => {
  steps.push({ phase: "backward", part: "delta", layer: l });
  if (layers[l].parameters.some(one => one.learns)) steps.push({ phase: "backward", part: "gradient", layer: l });
});
layers.forEach((layer, l) => {
  if (layer.parameters.some(one => one.learns)) steps.push({ phase: "update", part: "update", layer: l });
});
steps.push({ phase: "check", part: "check", layer: -1 });
const PHASES = ["forward", "loss", "backward", "update", "check"].filter(
  phase => steps.some(step => step.phase === phase));
// The step at which a layer's quantity becomes known.
const known = (l, ...names) => steps.findIndex(step => step.layer === l && names.includes(step.part));

function title_of(step) {
  const layer = layers[step.layer];
  return layer ? t(`step_${step.part}`, `${layer.name}`) : t(`step_${step.part}`);
}

function go(to) {
  state.step = Math.max(0, Math.min(steps.length - 1, to));
  draw();
}
function pick(l, j, i = null) {
  const same = state.pick && state.pick.l === l && state.pick.j === j && state.pick.i === i;
  state.pick = same ? null : { l, j, i };
  draw();
}

// ---- the network -----------------------------------------------------------------------------

function drawn_alone(size) { return size <= SMALL; }

// What a layer's circles show at this step: a name among its values, or null.
function shown_of(l) {
  const at = name => { const k = known(l, ...name); return k >= 0 && k <= state.step; };
  if (at(["delta"]) && steps[state.step].phase !== "check") return "delta";
  if (isLinear(l) ? at(["z", "a", "out"]) : at(["a", "out"])) return "a";
  return at(["z"]) ? "z" : null;
}
function is_updated(l) {
  const at = known(l, "update");
  return Boolean(data.update) && at >= 0 && at <= state.step && steps[state.step].phase !== "check";
}
const LETTERS = { delta: "δ", a: "a", z: "z" };

function network(width) {
  const columns = [data.inputs.map(input => ({ input, l: -1 }))];
  layers.forEach((layer, l) => (columns[layer.column] ??= []).push({ layer, l }));
  columns.push([{ loss: true, l: layers.length }]);
  const size = piece => piece.loss ? 1 : piece.input ? piece.input.shape.reduce((a, n) => a * n, 1) : piece.layer.size;
  const alone = piece => size(piece) <= SMALL && (piece.input ?? piece.layer ?? { shape: [] }).shape.length < 2;
  const gap = Math.max(66, Math.min(250, (width - 88) / Math.max(1, columns.length - 1)));
  const across = gap * (columns.length - 1) + 88;
  const most = Math.max(1, ...columns.flat().filter(alone).map(size));
  const radius = most > 8 ? 16 : gap < 100 ? 18 : 23, line = 2 * radius + (most > 4 ? 18 : 36), tall = 150;
  const high = piece => alone(piece) ? size(piece) * line : tall, between = 30;
  const heights = columns.map(column => column.reduce((sum, piece) => sum + high(piece) + between, -between));
  const height = Math.max(...heights, 120) + 40;
  const places = new Map();  // of each piece
  columns.forEach((column, c) => {
    let y = (height + 24 - heights[c]) / 2;
    for (const piece of column) {
      const x = 44 + c * gap, n = size(piece);
      const points = alone(piece)
        ? Array.from({ length: n }, (_, j) => [x, y + line * (j + 0.5)]) : null;
      places.set(piece.input ? piece.input.name : piece.loss ? "L" : piece.layer.name,
        { ...piece, x, y, n, points, high: high(piece) });
      y += high(piece) + between;
    }
  });
  const lines = s("g", {}), labels = s("g", {}), nodes = s("g", {});
  for (const place of places.values()) {
    if (place.loss) {
      for (const name of data.outputs) connect(lines, places.get(name.split("[")[0]), place, null, radius, gap);
    } else if (place.layer) for (const name of place.layer.reads) {
      connect(lines, places.get(name) ?? places.get(name.split("[")[0]), place, labels, radius, gap);
    }
  }
  for (const place of places.values()) {
    nodes.append(place.points ? circles(place, radius, gap, most <= 4) : block(place, gap));
  }
  const picture = s("svg", {
    viewBox: `0 0 ${across} ${height}`, width: across, height, role: "group",
    "aria-label": t("network"), class: "network",
  }, lines, labels, nodes);
  return picture;
}

function connect(lines, from, to, labels, radius, gap) {
  if (!from || !to) return;
  const { l } = to;
  const dense = to.layer && to.layer.form === "dense" && from.points && to.points && parameter(l, "kernel")?.values;
  if (!dense) {
    const one_to_one = from.points && to.points && (to.loss || from.n === to.n);
    if (one_to_one) {
      from.points.forEach((point, j) => lines.append(s("line", {
        x1: point[0], y1: point[1], x2: to.points[to.loss ? 0 : j][0], y2: to.points[to.loss ? 0 : j][1],
        class: `edge plain ${on_path(from.l, j, to.l) ? "path" : ""}`,
      })));
    } else if (to.points) {
      for (const [x2, y2] of to.points) lines.append(s("line", { x1: from.x, y1: from.y + from.high / 2, x2, y2, class: "edge fan" }));
    } else {
      lines.append(s("line", {
        x1: from.x, y1: from.y + from.high / 2, x2: to.x, y2: to.y + to.high / 2, class: "edge wide",
      }));
    }
    return;
  }
  let most = 0;
  for (let i = 0; i < from.n; i++) for (let j = 0; j < to.n; j++) most = Math.max(most, Math.abs(element(l, "kernel", "w", i, j)));
  const updated = is_updated(l);
  const few = from.n * to.n <= 6;
  for (let i = 0; i < from.n; i++) for (let j = 0; j < to.n; j++) {
    const w = element(l, "kernel", "w", i, j), [x1, y1] = from.points[i], [x2, y2] = to.points[j];
    const chosen = state.pick && state.pick.l === l && state.pick.j === j && (state.pick.i === i || state.pick.i === null);
    const exactly = chosen && state.pick.i === i;
    const path = on_path(from.l, i, l);
    const attributes = { x1, y1, x2, y2 };
    lines.append(
      s("line", {
        ...attributes, "stroke-width": (0.8 + 3.4 * Math.abs(w) / (most || 1)).toFixed(2),
        class: `edge ${w < 0 ? "minus" : "plus"} ${chosen ? "chosen" : ""} ${exactly ? "exactly" : ""} ${path ? "path" : ""}`,
      }),
      s("line", { ...attributes, class: "touch", "data-key": `w-${l}-${i}-${j}`, onclick: () => pick(l, j, i) },
        s("title", {}, `w${pair(i, j)} = ${plain(w)}`)),
    );
    if (few || exactly) {
      const start = radius / Math.hypot(x2 - x1, y2 - y1);
      // Staggered, so that labels of lines that cross stand apart.
      const along = to.n === 1 ? 0.5 : gap < 100 ? 0.36 : 0.24 + 0.2 * j / (to.n - 1);
      const at = start + along * (1 - 2 * start), x = x1 + at * (x2 - x1), y = y1 + at * (y2 - y1);
      const shown = plain(updated ? element(l, "kernel", "new", i, j) ?? w : w, 3), wide = (gap < 100 ? 5.7 : 6.6) * shown.length + 5;
      labels.prepend(s("rect", { x: x - wide / 2, y: y - 8, width: wide, height: 16, rx: 4, class: "plate" }));
      labels.append(
        s("text", { x, y: y + 4, class: `label ${gap < 100 ? "tight" : ""} ${exactly ? "exactly" : ""} ${updated ? "update" : ""}` }, shown));
    }
  }
}

// Whether what leaves neuron j of a layer leads from the chosen one to the loss.
function on_path(from, j, to) {
  const chosen = state.pick;
  if (!chosen) return false;
  if (from === chosen.l) return j === chosen.j;
  return from > chosen.l && to > from;
}

function circles(place, radius, gap, is_roomy) {
  const { l, points } = place, step = steps[state.step];
  const made = s("g", {});
  const name = place.loss ? "L" : place.input ? (data.inputs.length > 1 ? place.input.name : "x") : place.layer.name;
  if (!place.loss) made.append(heading(place, name, gap));
  const short = v => { const text = plain(v, 3); return text.length > 6 && radius < 20 ? plain(v, 2) : text; };
  const active = step.layer >= 0 && l === step.layer;
  const shown = place.layer ? shown_of(l) : "a";
  points.forEach(([x, y], j) => {
    let text, letter;
    if (place.loss) {
      letter = "L";
      text = known(l, "loss") <= state.step ? short(data.loss.value) : "";
    } else if (place.input) {
      letter = `x${j + 1}`;
      text = short(row(place.input.a.packed)[j]);
    } else {
      letter = `${LETTERS[shown ?? "a"]}${j + 1}`;
      text = shown ? short(value(l, shown, j)) : "";
    }
    const choosable = place.layer && isUnits(l);
    const chosen = state.pick && state.pick.l === l && state.pick.j === j;
    const group = s("g", {
      class: `node ${place.loss ? (text ? "loss" : "dim") : place.input ? "input" : shown === "delta" ? "backward" : shown ? "forward" : "dim"} ${active ? "active" : ""} ${chosen ? "chosen" : ""} ${choosable ? "choosable" : ""}`,
      ...(choosable ? {
        tabindex: 0, role: "button", "aria-pressed": String(Boolean(chosen)), "data-key": `n-${l}-${j}`,
        "aria-label": `${t("neuron_of", j + 1, name)}${text ? `, ${letter} = ${text}` : ""}`,
        onclick: () => pick(l, j),
        onkeydown: event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(l, j); } },
      } : {}),
    },
      s("circle", { cx: x, cy: y, r: radius }),
      s("text", { x, y: y - radius - 4, class: "letter" }, letter),
      s("text", { x, y: y + 4, class: "number", style: `font-size:${Math.min(11.5, (2 * radius - 5) / (0.57 * text.length || 1)).toFixed(1)}px` }, text),
    );
    const bias = place.layer?.form === "dense" ? element(l, "bias", "w", 0, j) : undefined;
    if (bias !== undefined && is_roomy) {
      const now = is_updated(l) ? element(l, "bias", "new", 0, j) ?? bias : bias;
      group.append(s("text", { x, y: y + radius + 12, class: "bias" }, `b ${plain(now, 3)}`));
    }
    made.append(group);
  });
  return made;
}

function heading(place, name, gap) {
  const number = place.layer && layers.length > 1 ? `(${place.l + 1}) ` : "";
  const most = gap < 90 ? 8 : 14, short = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  return s("text", { x: place.x, y: place.y - 10, class: `layer ${gap < 90 ? "tight" : ""}` }, number + short, s("title", {}, name));
}

// A layer of many values: its histogram, and the neuron that is chosen.
function block(place, gap) {
  const { l, n } = place, half = Math.min(38, gap / 2 - 6), step = steps[state.step];
  const shown = place.input ? "a" : shown_of(l);
  const held = place.input ? place.input.a : shown ? place.layer.values[shown] : null;
  const name = place.input ? (data.inputs.length > 1 ? place.input.name : "x") : place.layer.name;
  const chosen = state.pick && state.pick.l === l ? state.pick.j : null;
  const made = s("g", { class: `block ${place.input ? "input" : shown === "delta" ? "backward" : shown ? "forward" : "dim"} ${step.layer >= 0 && l === step.layer ? "active" : ""}` },
    heading(place, name, gap),
    s("rect", { x: place.x - half, y: place.y, width: 2 * half, height: place.high, rx: 8 }),
    s("text", { x: place.x, y: place.y + 18, class: "count" }, count(n)),
    s("text", { x: place.x, y: place.y + 34, class: "kind" }, shown ? `${place.input ? "x" : LETTERS[shown]}` : "·"));
  if (held?.summaries) made.append(bars(held.summaries[state.sample], place.x - half + 6, place.y + 44, 2 * half - 12, 60));
  if (held?.summaries) made.append(s("text", { x: place.x, y: place.y + 122, class: "norm" }, `‖·‖ ${plain(held.summaries[state.sample].norm, 3)}`));
  if (chosen !== null) made.append(s("text", { x: place.x, y: place.y + 141, class: "which" }, `${t("no")} ${chosen + 1}`));
  return made;
}

function bars(summary, x, y, width, height) {
  const most = Math.max(...summary.counts, 1), wide = width / summary.counts.length;
  const made = s("g", { class: "bars", "aria-hidden": "true" });
  summary.counts.forEach((n, i) => {
    const tall = n ? Math.max(1.5, height * n / most) : 0;
    made.append(s("rect", { x: x + i * wide, y: y + height - tall, width: Math.max(0.8, wide - 0.8), height: tall }));
  });
  return made;
}

function histogram(summary, label) {
  const width = 260, height = 64;
  return h("figure", { class: "histogram" },
    s("svg", { viewBox: `0 0 ${width} ${height + 16}`, role: "img", "aria-label": t("histogram_of", label) },
      bars(summary, 0, 0, width, height),
      s("text", { x: 0, y: height + 13 }, plain(summary.low, 3)),
      s("text", { x: width, y: height + 13, "text-anchor": "end" }, plain(summary.high, 3))),
    h("figcaption", {}, h("b", {}, label), ` · ${t("values_norm", count(summary.size), plain(summary.norm, 4))}`));
}

// ---- formulas of one neuron, one weight ------------------------------------------------------

function z_of(l, j) {
  const n = takes(l), bias = element(l, "bias", "w", 0, j), w = i => element(l, "kernel", "w", i, j);
  const known_weights = w(0) !== undefined;
  const end = [bias === undefined ? null : `+ ${factor(bias)}`, result(value(l, "z", j), `z-${l}-${j}`)];
  if (n <= TERMS && known_weights) {
    const x = row(layers[l].x);
    return eq(sym("z", l, j), x.map((v, i) => `${i ? "+" : "="} ${i ? factor(v) : tex(v)} \\cdot ${factor(w(i))}`), end);
  }
  return eq(sym("z", l, j), `= \\sum_{i=1}^{${n}} ${symbol_in(l, "i")} \\cdot ${weight(l, "i", j)}`, end);
}

// The terms of a long sum that count most.
function largest(l, j) {
  const n = takes(l);
  if (n <= TERMS || element(l, "kernel", "w", 0, j) === undefined) return null;
  const x = row(layers[l].x), terms = x.map((v, i) => [v * element(l, "kernel", "w", i, j), i]);
  terms.sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]));
  return h("div", { class: "largest" }, p(t("largest_terms")),
    ...terms.slice(0, 4).map(([term, i]) => eq(`${symbol_in(l, i)} \\cdot ${weight(l, i, j)}`,
      `= ${tex(x[i])} \\cdot ${factor(element(l, "kernel", "w", i, j))}`, `= ${tex(term)}`)));
}

function a_of(l, j) {
  const z = value(l, "z", j), a = value(l, "a", j), layer = layers[l];
  const end = result(a, `a-${l}-${j}`);
  if (isLinear(l)) return eq(sym("a", l, j), `= ${sym("z", l, j)}`, end);
  if (layer.activation === "softmax") {
    const every = all(l, "z");
    const numbers = every.length <= 4
      ? `= \\frac{e^{${tex(z)}}}{${every.map(v => `e^{${tex(v)}}`).join(" + ")}}` : null;
    return eq(sym("a", l, j), `= \\frac{e^{${sym("z", l, j)}}}{\\sum_k e^{${sym("z", l, "k")}}}`, numbers, end);
  }
  if (layer.activation === "log_softmax")
    return eq(sym("a", l, j), `= ${sym("z", l, j)} - \\ln(\\sum_k e^{${sym("z", l, "k")}})`, end);
  return eq(sym("a", l, j), `= f(${sym("z", l, j)})`, layer.formula.f_n ? `= ${fill(layer.formula.f_n, { z, a })}` : null, end);
}

function slope_of(l, j) {
  const z = value(l, "z", j), a = value(l, "a", j), { slope, slope_n } = layers[l].formula;
  return eq(`f'(${sym("z", l, j)})`, slope ? `= ${slope}` : null, slope_n ? `= ${fill(slope_n, { z, a })}` : null,
    result(value(l, "slope", j), `slope-${l}-${j}`));
}

// ∂L/∂a_j: from the loss, or from the layers behind.
function da_of(l, j) {
  const end = result(value(l, "da", j), `da-${l}-${j}`), next = dense_behind(l);
  if (isLast(l) && readers(l).length === 0) {
    const loss = data.loss.outputs.find(one => one.of === layers[l].name);
    const numbers = loss?.slope_n ? `= ${fill(loss.slope_n, loss_values(loss, l, j))}` : null;
    const symbols = loss?.slope ? `= ${loss.slope.replaceAll("_j", `_{${j + 1}}`)}` : null;
    return eq(dL(sym("a", l, j)), symbols, numbers, end);
  }
  if (next < 0 || element(next, "kernel", "w", j, 0) === undefined && layers[next].size <= TERMS) return eq(dL(sym("a", l, j)), end);
  const n = layers[next].size;
  if (n <= TERMS && element(next, "kernel", "w", j, n - 1) !== undefined) {
    const delta = all(next, "delta");
    return eq(dL(sym("a", l, j)), `= ${delta.map((_, k) => `${weight(next, j, k)} \\cdot ${sym("\\delta", next, k)}`).join(" + ")}`,
      delta.map((v, k) => `${k ? "+" : "="} ${k ? factor(element(next, "kernel", "w", j, k)) : tex(element(next, "kernel", "w", j, k))} \\cdot ${factor(v)}`), end);
  }
  return eq(dL(sym("a", l, j)), `= \\sum_{k=1}^{${n}} ${weight(next, j, "k")} \\cdot ${sym("\\delta", next, "k")}`, end);
}

function loss_values(loss, l, j) {
  const known = Object.entries(loss.known).map(([name, of]) => [name, row(of)[j]]);
  return { ...loss.numbers, ...Object.fromEntries(known), a: value(l, "a", j) };
}

function delta_of(l, j) {
  const end = result(value(l, "delta", j), `delta-${l}-${j}`), da = dL(sym("a", l, j)), delta = sym("\\delta", l, j);
  const name = layers[l].activation;
  if (name === "softmax") {
    const a = all(l, "a"), every = all(l, "da"), mean = a.reduce((sum, v, k) => sum + v * every[k], 0);
    return eq(delta, `= ${sym("a", l, j)} \\cdot (${da} - \\sum_k ${sym("a", l, "k")} \\cdot ${dL(sym("a", l, "k"))})`,
      layers[l].costs ? null : `= ${tex(a[j])} \\cdot (${tex(every[j])} - ${factor(mean)})`, end);
  }
  if (name === "log_softmax") return eq(delta, `= ${da} - e^{${sym("a", l, j)}} \\cdot \\sum_k ${dL(sym("a", l, "k"))}`, end);
  if (isLinear(l)) return eq(delta, `= ${da}`, end);
  if (isRowwise(l)) return eq(delta, end);
  const numbers = layers[l].costs ? null : `= ${tex(value(l, "slope", j))} \\cdot ${factor(value(l, "da", j))}`;
  return eq(delta, `= f'(${sym("z", l, j)}) \\cdot ${da}`, numbers, end);
}

// Whether the sum over samples can be written out.
const all_samples = () => data.samples.length === data.count;

function gradient_sum(l, i, j) {
  const g = element(l, "kernel", "g", i, j), penalty = element(l, "kernel", "penalty", i, j);
  const w = weight(l, i, j), end = result(g, `g-${l}-${i}-${j}`);
  const add = penalty === undefined ? null : `+ ${factor(penalty)}`;
  const added = penalty === undefined ? "" : ` + \\frac{\\partial R}{\\partial ${w}}`;
  if (shared(l) || layers[l].notes.includes("rounded")) return eq(d(w), end);
  if (data.count === 1)
    return eq(d(w), `= ${symbol_in(l, i)} \\cdot ${sym("\\delta", l, j)}${added}`,
      `= ${tex(given(l, i))} \\cdot ${factor(value(l, "delta", j))}`, add, end);
  const terms = all_samples() && data.count <= 4 ? data.samples.map((_, n) =>
    `${n ? "+" : "="} ${n ? factor(given(l, i, n)) : tex(given(l, i, n))} \\cdot ${factor(value(l, "delta", j, n))}`) : [];
  return eq(d(w), `= \\sum_n ${symbol_in(l, i)} \\cdot ${sym("\\delta", l, j)}${added}`, terms, terms.length ? add : null, end);
}

function bias_gradient_sum(l, j) {
  const penalty = element(l, "bias", "penalty", 0, j), b = sym("b", l, j);
  const added = penalty === undefined ? "" : ` + \\frac{\\partial R}{\\partial ${b}}`;
  const sum = data.count === 1 ? sym("\\delta", l, j) : `\\sum_n ${sym("\\delta", l, j)}`;
  return eq(d(b), shared(l) ? null : `= ${sum}${added}`, result(element(l, "bias", "g", 0, j), `gb-${l}-${j}`));
}
// ∂R/∂w of one weight, where a regularizer watches it.
function penalty_of(l, name, i, j) {
  return penalty_line(parameter(l, name), name === "bias" ? sym("b", l, j) : weight(l, i, j), slot => element(l, name, slot, i, j));
}
function penalty_line({ penalty }, w, at) {
  const g = at("penalty");
  if (!penalty || g === undefined) return null;
  return eq(`\\frac{\\partial R}{\\partial ${w}}`, `= ${fill(penalty.numbers, { ...penalty.of, w: at("w") })}`, result(g));
}
const gradient_of = (l, i, j) => h("div", { class: "lines" }, gradient_sum(l, i, j), penalty_of(l, "kernel", i, j));
const bias_gradient_of = (l, j) => h("div", { class: "lines" }, bias_gradient_sum(l, j), penalty_of(l, "bias", 0, j));
// Of a layer that is called again one call's product is not the whole.
const shared = l => layers[l].name.includes(":") || numbers.has(`${layers[l].name}:1`);

// The lines of the rule with this weight's numbers.
function update_of(l, name, i, j) {
  const one = parameter(l, name), w = name === "bias" ? sym("b", l, j) : weight(l, i, j);
  const flat = name === "bias" ? j : i * layers[l].size + j;
  return update_lines(one, w, slot => element(l, name, slot, i, j) ?? single(one, slot, flat), `new-${l}-${name}-${i}-${j}`);
}
function update_lines(one, w, at, key) {
  const of = { ...one.known }, made = [];
  for (const slot of Object.keys({ ...one.values, ...one.singles })) of[slot] = at(slot);
  (one.lines ?? []).forEach((line, k) => {
    const found = line.value ?? at(line.last ? "new" : `@${k}`);
    const is_known = found !== undefined && places(line.numbers).every(place => of[place] !== undefined);
    if (is_known && line.of === "weight") made.push(
      eq(`${line.makes === "w" ? w : line.left} ${arrow(line)}`, fill(line.numbers, of), result(found, line.last ? key : null)));
    of[line.makes] = found;
  });
  if (!made.some(one => one.querySelector("[data-of]"))) {
    const [before, after] = [at("w"), at("new")];
    made.push(eq(`${w} \\leftarrow`,
      after < before ? `${tex(before)} - ${factor(before - after)}` : `${tex(before)} + ${factor(after - before)}`, result(after, key)));
  }
  return h("div", { class: "lines" }, ...made);
}
const places = numbers => [...numbers.matchAll(/<([A-Za-z_0-9']+)>/g)].map(found => found[1]);
const arrow = line => line.formula.includes("\\leftarrow") ? "\\leftarrow" : "=";

// Lines whose numbers are the same for all weights of a parameter, or of the whole step.
function once(l) {
  const made = [], seen = new Set();
  for (const one of layers[l].parameters) {
    const of = { ...one.known };
    const lines = (one.lines ?? []).filter(line => line.value !== undefined && !seen.has(line.formula));
    for (const scope of ["step", "parameter"]) {
      const own = lines.filter(line => line.of === scope);
      if (!own.length) continue;
      made.push(p(scope === "step" ? t("once_for_all") : t("once_for", one.path)));
      for (const line of own) {
        if (scope === "step") seen.add(line.formula);
        made.push(eq(`${line.left} ${arrow(line)}`, fill(line.numbers, of), result(line.value)));
        of[line.makes] = line.value;
      }
    }
    if (one.known?.lambda === 0 && one.lines?.some(line => line.numbers.includes("<lambda>"))) made.push(p(t("spared", one.path)));
    if (one.learns && !one.lines && data.update.lines.length) made.push(p(t("unshown", one.path)));
  }
  return made;
}
// What signs in formulas mean.
const meanings = formulas => [["norm_of_all", "N = "], ["brackets", "["]].flatMap(
  ([name, sign]) => formulas.some(formula => formula.includes(sign)) ? [p(t(name))] : []);

// ---- recurrent layers, step by step ------------------------------------------------------------

const STATES = { LSTM: ["c", "h"], GRU: ["h"], SimpleRNN: [] };
// Of the sample that is shown: a gate's number at a step, for a unit.
function gate(c, of, name, t, j) {
  const { units } = c, packed = c[of][name];
  return packed ? row(packed)[t * units + j] : undefined;
}
// A state before the step at that place in the layer's order.
function state_before(c, name, place, j) {
  const { order, first } = c;
  if (place) return gate(c, "values", name, order[place - 1], j);
  const given = first[name === "c" ? 1 : 0];
  return given ? row(given)[j] : 0;
}
const own_parameter = (c, name) => parameter(c.l, c.prefix + name);
const weights_of = (c, name) => unpack(own_parameter(c, name).values.w);
// The terms of a gate's sum: [what goes in, weight], inputs first; and its biases.
function gate_terms(c, g, place, j, with_states = true) {
  const { units, inputs, names, order } = c, column = names.indexOf(g) * units + j, t = order[place];
  const W = weights_of(c, "kernel"), wide = W.shape[1], x = row(c.x);
  const terms = Array.from({ length: inputs }, (_, i) => [x[t * inputs + i], W.values[i * wide + column], `x_{${i + 1}}`]);
  if (with_states) terms.push(...recurrent_terms(c, g, place, j));
  return terms;
}
function recurrent_terms(c, g, place, j) {
  const { units, names, after } = c, U = weights_of(c, "recurrent_kernel"), column = names.indexOf(g) * units + j;
  const reset = c.kind === "GRU" && g === "n" && !after;
  return Array.from({ length: units }, (_, k) => [
    state_before(c, "h", place, k) * (reset ? gate(c, "values", "r", c.order[place], k) : 1),
    U.values[k * U.shape[1] + column], reset ? `(r \\cdot h)_{${k + 1}}` : `h_{${k + 1}}`]);
}
function gate_bias(c, g, j, which = 0) {
  const one = own_parameter(c, "bias"), { units, names } = c;
  if (!one) return undefined;
  const { values, shape } = unpack(one.values.w), wide = shape[shape.length - 1];
  if (which && shape.length < 2) return undefined;
  return values[which * wide + names.indexOf(g) * units + j];
}
const applied = (name, inside) => ({ sigmoid: `\\sigma(${inside})`, tanh: `\\tanh(${inside})`, linear: inside })[name]
  ?? `\\operatorname{${name.replaceAll("_", "")}}(${inside})`;
const numbers_of = (of, z, a) => of.f_n ? `= ${fill(of.f_n, { z, a })}` : null;
const gate_function = (c, g) => "gnh".includes(g) ? c.f : c.s;

// Σ of those terms and what is added to them.
function sum_of(left, symbols, terms, added, total) {
  const known = added.filter(one => one !== undefined);
  if (terms.length <= TERMS) return h("div", { class: "lines" }, eq(left, `= ${symbols}`,
    terms.map(([v, w], i) => `${i ? "+" : "="} ${i ? factor(v) : tex(v)} \\cdot ${factor(w)}`), known.map(one => `+ ${factor(one)}`), result(total)));
  const order = [...terms].sort((a, b) => Math.abs(b[0] * b[1]) - Math.abs(a[0] * a[1])).slice(0, 4);
  return h("div", { class: "lines" }, eq(left, `= ${symbols}`, result(total)), h("div", { class: "largest" }, p(t("largest_terms")),
    ...order.map(([v, w, name]) => eq(`${name} \\cdot w`, `= ${tex(v)} \\cdot ${factor(w)}`, `= ${tex(v * w)}`))));
}
function gate_sum(c, g, place, j) {
  const { order, after } = c, total = gate(c, "sums", g, order[place], j), s_g = `s_{${g}}`;
  const b = gate_bias(c, g, j), both = "\\sum_k x_k \\cdot W_k + \\sum_k h_k \\cdot U_k";
  if (c.kind !== "GRU") return sum_of(s_g, both + (b === undefined ? "" : " + b"), gate_terms(c, g, place, j), [b], total);
  const below = gate_bias(c, g, j, 1), [r, q] = ["r", "q"].map(name => gate(c, "values", name, order[place], j));
  if (g !== "n") return sum_of(s_g, both + (b === undefined ? "" : " + b") + (below === undefined ? "" : " + b'"), gate_terms(c, g, place, j), [b, below], total);
  if (!after) return sum_of(s_g, `\\sum_k x_k \\cdot W_k + \\sum_k (r \\cdot h)_k \\cdot U_k${b === undefined ? "" : " + b"}`, gate_terms(c, g, place, j), [b], total);
  const p_n = gate_terms(c, g, place, j, false), inner = p_n.reduce((sum, [v, w]) => sum + v * w, b ?? 0);
  return h("div", { class: "lines" },
    sum_of("p", `\\sum_k x_k \\cdot W_k${b === undefined ? "" : " + b"}`, p_n, [b], inner),
    sum_of("q", `\\sum_k h_k \\cdot U_k${below === undefined ? "" : " + b'"}`, recurrent_terms(c, g, place, j), [below], q),
    eq(s_g, "= p + r \\cdot q", `= ${tex(inner)} + ${factor(r)} \\cdot ${factor(q)}`, result(total)));
}

// All that one unit does at one step.
function gate_lines(c, place, j) {
  const { names, order, f, kind } = c, at = order[place], n = at + 1, made = [];
  const of = name => gate(c, "values", name, at, j), key = name => `gate-${c.id}-${name}-${at}-${j}`;
  const before = name => state_before(c, name, place, j), last = name => `${name}_{${place ? order[place - 1] + 1 : 0}}`;
  if (!row(c.heard)[at]) return [p(t("gate_masked")), ...STATES[kind].concat(kind === "SimpleRNN" ? ["h"] : []).map(
    name => eq(`${name}_{${n}}`, `= ${last(name)}`, `= ${tex(before(name))}`, result(of(name), key(name))))];
  for (const g of names) {
    const own = gate_function(c, g), z = gate(c, "sums", g, at, j);
    made.push(eq(`${g}_{${n}}`, `= ${applied(own.name, `s_{${g}}`)}`, numbers_of(own, z, of(g)), result(of(g), key(g))));
  }
  if (kind === "LSTM") {
    made.push(eq(`c_{${n}}`, `= f_{${n}} \\cdot ${last("c")} + i_{${n}} \\cdot g_{${n}}`,
      `= ${tex(of("f"))} \\cdot ${factor(before("c"))} + ${factor(of("i"))} \\cdot ${factor(of("g"))}`, result(of("c"), key("c"))));
    const inside = f.f_n && f.name !== "linear" ? fill(f.f_n, { z: of("c"), a: NaN }) : tex(of("c"));
    made.push(eq(`h_{${n}}`, `= o_{${n}} \\cdot ${applied(f.name, `c_{${n}}`)}`,
      f.f_n ? `= ${tex(of("o"))} \\cdot (${inside})` : null, result(of("h"), key("h"))));
  } else if (kind === "GRU") {
    made.push(eq(`h_{${n}}`, `= z_{${n}} \\cdot ${last("h")} + (1 - z_{${n}}) \\cdot n_{${n}}`,
      `= ${tex(of("z"))} \\cdot ${factor(before("h"))} + (1 - ${factor(of("z"))}) \\cdot ${factor(of("n"))}`, result(of("h"), key("h"))));
  }
  return made;
}

// ∂L/∂ of the states and the gates' sums at one step.
function error_lines(c, place, j) {
  const { names, order, after, kind } = c, at = order[place], n = at + 1, made = [];
  const v = name => gate(c, "values", name, at, j), slope = name => gate(c, "slopes", name, at, j);
  const error = name => gate(c, "errors", name, at, j), delta = name => gate(c, "deltas", name, at, j);
  const key = name => `error-${c.id}-${name}-${at}-${j}`, ratio = name => `\\frac{\\partial L}{\\partial ${name}_{${n}}}`;
  const found = name => result(delta(name), key(`d${name}`)), left = name => `\\delta_{${name}}`;
  if (error("h") === undefined) return [p(t("gates_no_back")), ...names.map(g => eq(left(g), found(g)))];
  if (!row(c.heard)[at]) return [p(t("gate_masked"))];
  made.push(eq(ratio("h"), `= ${tex(error("from_a"))} + ${factor(error("from_next"))}`, result(error("h"), key("h"))),
    p(`${plain(error("from_a"))}: ${t("from_outputs")}; ${plain(error("from_next"))}: ${t("from_time")}`));
  const by = (g, symbols, numbers) => made.push(eq(left(g), `= ${symbols} \\cdot ${slope_sign(c, g)}`, numbers ? `= ${numbers} \\cdot ${factor(slope(g))}` : null, found(g)));
  const before = name => state_before(c, name, place, j), [dh, dc] = [error("h"), error("c")];
  if (kind === "LSTM") {
    const next = place + 1 < order.length ? order[place + 1] : -1, passed = dc - dh * v("o") * slope("c");
    made.push(eq(ratio("c"), `= ${ratio("h")} \\cdot o_{${n}} \\cdot ${slope_sign(c, "c")}${next < 0 ? "" : ` + f_{${next + 1}} \\cdot \\frac{\\partial L}{\\partial c_{${next + 1}}}`}`,
      `= ${tex(dh)} \\cdot ${factor(v("o"))} \\cdot ${factor(slope("c"))} + ${factor(passed)}`, result(dc, key("c"))));
    by("i", `${ratio("c")} \\cdot g_{${n}}`, `${tex(dc)} \\cdot ${factor(v("g"))}`);
    by("f", `${ratio("c")} \\cdot c_{${place ? order[place - 1] + 1 : 0}}`, `${tex(dc)} \\cdot ${factor(before("c"))}`);
    by("g", `${ratio("c")} \\cdot i_{${n}}`, `${tex(dc)} \\cdot ${factor(v("i"))}`);
    by("o", `${ratio("h")} \\cdot ${applied(c.f.name, `c_{${n}}`)}`, v("o") ? `${tex(dh)} \\cdot ${factor(v("h") / v("o"))}` : null);
  } else if (kind === "GRU") {
    by("z", `${ratio("h")} \\cdot (${place ? `h_{${order[place - 1] + 1}}` : "h_{0}"} - n_{${n}})`, `${tex(dh)} \\cdot (${tex(before("h"))} - ${factor(v("n"))})`);
    by("n", `${ratio("h")} \\cdot (1 - z_{${n}})`, `${tex(dh)} \\cdot (1 - ${factor(v("z"))})`);
    if (after) by("r", "\\delta_{n} \\cdot q", `${tex(delta("n"))} \\cdot ${factor(v("q"))}`);
    else {
      const U = weights_of(c, "recurrent_kernel"), { units } = c, wide = U.shape[1];
      const back = Array.from({ length: units }, (_, k) => U.values[j * wide + 2 * units + k] * gate(c, "deltas", "n", at, k)).reduce((a, b) => a + b);
      by("r", `h_{${place ? order[place - 1] + 1 : 0}} \\cdot \\sum_k U_{k} \\cdot \\delta_{n,k}`, `${tex(before("h"))} \\cdot ${factor(back)}`);
    }
  } else by("h", ratio("h"), tex(dh));
  return made;
}
const slope_sign = (c, g) => g === "c" ? "f'(c)" : `f'(s_{${g}})`;

const blue = v => `rgba(0,114,178,${v})`, orange = v => `rgba(230,120,0,${v})`;
const tint = (v, most) => { const share = (0.6 * Math.min(1, Math.abs(v) / (most || 1))).toFixed(3); return v < 0 ? orange(share) : blue(share); };

// The gates of one unit over time as a table, and the formulas of the step that is chosen.
function gates_panel(l, back) {
  const cells = layers[l].gates, chosen = state.gate?.l === l ? state.gate : { l, way: 0, place: 0, j: 0, name: null };
  const own = cells[chosen.way], to = change => { state.gate = { ...chosen, ...change }; draw(); };
  const made = [];
  if (cells.length > 1) made.push(h("div", { class: "choices" }, h("label", {}, h("span", {}, t("direction")),
    h("select", { "data-key": "gate-way", onchange: event => to({ way: Number(event.target.value), place: 0, j: 0, name: null }) },
      ...cells.map((cell, k) => h("option", { value: k, selected: k === chosen.way }, `${cell.name} (${cell.kind})`))))));
  if (!own.names) return [...made, p(t(own.why, ...own.values))];
  const { kind, order, units, steps: long } = own, { place, j } = chosen;
  if (cells.length > 1) made.push(p(t(order[0] ? "way_back" : "way_ahead")));
  const names = back ? [...(own.errors.h ? [...STATES[kind], ...(kind === "SimpleRNN" ? ["h"] : [])] : []), ...own.names.map(g => `d${g}`)]
    : [...own.names, ...STATES[kind]];
  const letter = name => !back ? name : name[0] === "d" ? `\\delta_{${name.slice(1)}}` : `\\frac{\\partial L}{\\partial ${name}}`;
  const number = (name, t) => !back ? gate(own, "values", name, t, j)
    : name[0] === "d" ? gate(own, "deltas", name.slice(1), t, j) : gate(own, "errors", name, t, j);
  const rows = names.map(name => {
    const all = order.map(t => number(name, t)), most = Math.max(...all.map(Math.abs));
    return h("tr", {}, h("th", { scope: "row" }, eq(letter(name))), ...all.map((v, k) => h("td", {
      class: chosen.name === name && place === k ? "chosen" : place === k ? "here" : "", style: `background:${tint(v, most)}`,
    }, h("button", {
      "data-key": `gate-${own.id}-${name}-${k}`, "data-of": `${back ? "error" : "gate"}-${own.id}-${name}-${order[k]}-${j}`, "data-value": plain(v),
      "aria-pressed": String(chosen.name === name && place === k), "aria-label": `${t("at_step", order[k] + 1, j + 1)}: ${name} = ${plain(v)}`,
      onclick: () => to({ place: k, name }),
    }, plain(v, Math.min(state.digits, 4))))));
  });
  made.push(p(t(back ? "gates_back" : "gates_about")), h("div", { class: "choices" },
    h("label", {}, h("span", {}, t("unit")), h("select", { "data-key": "gate-unit", onchange: event => to({ j: Number(event.target.value) }) },
      ...Array.from({ length: units }, (_, k) => h("option", { value: k, selected: k === j }, String(k + 1))))),
    h("label", {}, h("span", {}, t("time_step")), h("input", {
      type: "range", min: 0, max: long - 1, step: 1, value: place, "data-key": "gate-time", "aria-valuetext": String(order[place] + 1),
      onchange: event => to({ place: Number(event.target.value) }),
    }), h("b", {}, `${order[place] + 1} / ${long}`))),
    h("div", { class: "scroll gates", tabindex: 0, "data-scroll": `gates-${own.id}` }, h("table", {},
      h("thead", {}, h("tr", {}, h("td", {}), ...order.map((t, k) => h("th", { scope: "col", class: k === place ? "here" : "" }, String(t + 1))))),
      h("tbody", {}, ...rows))));
  const sum = !back && own.names.includes(chosen.name) && row(own.heard)[order[place]]
    ? h("div", { class: "link" }, h("h4", {}, t("gates_sum", chosen.name)), gate_sum(own, chosen.name, place, j)) : null;
  made.push(h("div", { class: "neurons step" }, h("h3", {}, t("at_step", order[place] + 1, j + 1)), ...(back ? error_lines(own, place, j) : gate_lines(own, place, j)), sum));
  const note = { LSTM: "gates_g", GRU: "gates_n" }[kind];
  if (note && !back) made.push(p(t(note)));
  return made;
}

// ---- maps of images ----------------------------------------------------------------------------

function map_values(maps, of, k) {
  const pixels = maps.height * maps.width;
  return row(maps[of]).slice(k * pixels, (k + 1) * pixels);
}
// A picture of values: a pixel each, enlarged by the style.
function picture(values, width, height, most, label) {
  const made = h("canvas", { width, height, role: "img", "aria-label": label });
  const context = made.getContext("2d"), image = context.createImageData(width, height);
  values.forEach((v, i) => {
    const share = Math.min(1, Math.abs(v) / (most || 1)), ink = v < 0 ? [213, 94, 0] : [0, 90, 160];
    ink.forEach((c, n) => { image.data[4 * i + n] = Math.round(255 + share * (c - 255)); });
    image.data[4 * i + 3] = Number.isFinite(v) ? 255 : 60;
  });
  context.putImageData(image, 0, 0);
  return made;
}
const largest_of = values => values.reduce((most, v) => Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most, 0);

// A grid of small maps; the one that is chosen large, with its kernel.
function maps_panel(maps, id, name, of, title) {
  if (!maps?.channels) return maps ? [p(t(maps.why, ...maps.values))] : [];
  const { width, height, channels } = maps, chosen = state.map?.id === id && state.map.k < channels.length ? state.map : null;
  const most = largest_of(row(maps[of])), norm = values => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  const choose = map => { state.map = map; draw(); };
  const made = [p(t("maps_about")), ...(maps.why ? [p(t(maps.why, ...maps.values))] : []), h("h3", {}, title),
    h("div", { class: "maps" }, ...channels.map((c, k) => {
      const values = map_values(maps, of, k), label = t("map_of", c + 1, name, `‖·‖ ${plain(norm(values), 3)}`);
      return h("button", {
        "data-key": `map-${id}-${c}`, "aria-pressed": String(chosen?.k === k), "aria-label": label, title: label,
        onclick: () => choose(chosen?.k === k ? null : { id, k, x: chosen?.x ?? 0, y: chosen?.y ?? 0, all: false }),
      }, picture(values, width, height, most, ""), h("span", {}, String(c + 1)));
    }))];
  if (chosen) made.push(h("div", { class: "large" }, ...large_map(maps, id, name, of, chosen, most, choose)));
  return made;
}
function large_map(maps, id, name, of, chosen, most, choose) {
  const { width, height } = maps, { k, x, y } = chosen, c = maps.channels[k], values = map_values(maps, of, k);
  const to = (nx, ny) => choose({ ...chosen, x: Math.max(0, Math.min(width - 1, nx)), y: Math.max(0, Math.min(height - 1, ny)) });
  const letter = of === "delta" ? "δ" : name ? "a" : "x", label = t("map_of", c + 1, name || "x", `${width} × ${height}`);
  const canvas = picture(values, width, height, most, label);
  const v = values[y * width + x];
  const view = h("div", {
    class: "view", tabindex: 0, "data-key": `view-${id}`, role: "group", "aria-label": `${label}. ${t("map_hint")}`,
    onclick: event => {
      const box = canvas.getBoundingClientRect();
      to(Math.floor((event.clientX - box.left) / box.width * width), Math.floor((event.clientY - box.top) / box.height * height));
    },
    onkeydown: event => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (step) { event.preventDefault(); event.stopPropagation(); to(x + step[0], y + step[1]); }
    },
  }, canvas, h("span", { class: "at", style: `left:${100 * x / width}%;top:${100 * y / height}%;width:${100 / width}%;height:${100 / height}%` }));
  const made = [h("h3", {}, label), view,
    h("p", { class: "pixel", "aria-live": "polite" }, `${t("pixel", y + 1, x + 1)}: ${letter} = `,
      h("b", { "data-of": `map-${id}-${of}-${c}-${y}-${x}`, "data-value": plain(v) }, plain(v))),
    p(t("map_hint")),
    p(h("button", { "data-key": "map-numbers", "aria-pressed": String(chosen.all), onclick: () => choose({ ...chosen, all: !chosen.all }) }, t("map_numbers")))];
  if (chosen.all) made.push(grid(values, width, height, most, `map-${id}`));
  const kernel = of === "delta" ? maps.gradient : maps.kernel;
  if (kernel) {
    const { shape, values: all } = unpack(kernel), [, inputs, tall, wide] = shape, size = tall * wide;
    const own = all.slice(k * inputs * size, (k + 1) * inputs * size), limit = largest_of(own);
    for (let i = 0; i < Math.min(inputs, KERNELS); i++) made.push(h("div", { class: "kernel" },
      h("h4", {}, t(of === "delta" ? "map_gradient" : "map_kernel", i + 1)), grid(own.slice(i * size, (i + 1) * size), wide, tall, limit, `kernel-${id}-${i}`)));
    if (inputs > KERNELS) made.push(p(t("map_kernels_more", inputs, KERNELS)));
  }
  return made;
}
const KERNELS = 8;
// Numbers on their tints.
function grid(values, width, height, most, key) {
  return h("div", { class: "scroll", tabindex: 0, "data-scroll": key }, h("table", { class: "grid" }, h("tbody", {},
    ...Array.from({ length: height }, (_, y) => h("tr", {}, ...Array.from({ length: width }, (_, x) => {
      const v = values[y * width + x];
      return h("td", { style: `background:${tint(v, most)}` }, plain(v, 3));
    }))))));
}

// ---- the panel -------------------------------------------------------------------------------

// One neuron's formulas, and the button that chooses it.
function line(l, j, i, ...formulas) {
  const chosen = state.pick && state.pick.l === l && state.pick.j === j && state.pick.i === i;
  const name = i === null ? t("neuron_of", j + 1, layers[l].name) : t("weight_of", pair(i, j), layers[l].name);
  return h("div", { class: `line ${chosen ? "chosen" : ""}`, onclick: event => { if (!event.target.closest("button")) pick(l, j, i); } },
    h("button", { class: "pick", "data-key": `p-${l}-${j}-${i}`, "aria-pressed": String(Boolean(chosen)), "aria-label": t("trace_it", name), onclick: () => pick(l, j, i) },
      i === null ? String(j + 1) : pair(i, j)),
    h("div", { class: "formulas" }, ...formulas));
}

// A layer's neurons one by one; of many, the summary, and those that count most to choose from.
function neurons(l, name, ...formulas) {
  const made = h("div", { class: "neurons" }), layer = layers[l];
  if (drawn_alone(layer.size)) {
    for (let j = 0; j < layer.size; j++) made.append(line(l, j, null, ...formulas.map(of => of(l, j))));
    return made;
  }
  made.append(histogram(layer.values[name].summaries[state.sample], `${LETTERS[name]}, ${layer.name}`));
  const chosen = state.pick && state.pick.l === l ? state.pick.j : null;
  if (chosen !== null) made.append(line(l, chosen, null, ...formulas.map(of => of(l, chosen))));
  const rank = (layer.columns ?? [...all(l, "delta").keys()]).map(j => [Math.abs(value(l, name, j)), j]);
  rank.sort((a, b) => b[0] - a[0]);
  made.append(h("div", { class: "chips" }, h("span", {}, t("choose_neuron")), ...rank.slice(0, 8).map(([, j]) =>
    h("button", { "data-key": `c-${l}-${j}`, "aria-pressed": String(chosen === j), onclick: () => pick(l, j) }, `${j + 1}`))));
  return made;
}

const general = (...formulas) => h("div", { class: "general" }, ...formulas.map(one => eq(one)));

function values_list(l, name) {
  const values = all(l, name), layer = layers[l];
  if (layer.size <= SMALL) return h("div", { class: "list" }, ...values.map((v, j) =>
    eq(`${name === "delta" ? "\\delta" : "a"}_{${j + 1}}`, result(v, `${name}-${l}-${j}`))));
  return histogram(layer.values[name].summaries[state.sample], `${LETTERS[name]}, ${layer.name}`);
}

// Of a layer without formulas of single neurons: its gates, or its maps; and its values.
function insides(l, name) {
  const layer = layers[l], made = [];
  if (layer.gates) made.push(...gates_panel(l, name === "delta"));
  made.push(...maps_panel(layer.maps, l, layer.name, name, t(`maps_${name}`, layer.name)));
  return [...made, values_list(l, name)];
}

function panel(step) {
  const made = [], l = step.layer, layer = layers[l];
  if (step.part === "start") {
    made.push(p(t("start_text")), h("ol", { class: "phases" },
      ...["forward", "loss", "backward", "update"].map(phase => h("li", {}, h("b", { class: phase }, t(phase)), `: ${t(`about_${phase}`, data.loss.name)}`))));
    made.push(p(t("keys")));
    for (const input of data.inputs) made.push(...maps_panel(input.maps, `x-${input.name}`, "", "a", t("maps_x")));
  } else if (step.part === "z") {
    made.push(p(t("about_z")), general(`z_j = \\sum_i ${symbol_in(l, "i")} \\cdot w_{ij}${element(l, "bias", "w", 0, 0) === undefined && !parameter(l, "bias") ? "" : " + b_j"}`),
      neurons(l, "z", z_of, (l, j) => isLinear(l) ? a_of(l, j) : null, ...(layer.size > SMALL ? [largest] : [])));
    if (isLinear(l)) made.splice(1, 0, p(t("linear")));
  } else if (step.part === "a") {
    made.push(p(t(isRowwise(l) ? "about_rowwise" : "about_a", layer.activation)));
    made.push(isRowwise(l) && layer.activation === "softmax" ? general("a_j = \\frac{e^{z_j}}{\\sum_k e^{z_k}}")
      : layer.formula.f ? general(`f(z) = ${layer.formula.f}`, `f'(z) = ${layer.formula.slope}`) : p(t("own_activation")));
    made.push(...meanings([layer.formula.slope]));
    made.push(neurons(l, "a", a_of));
  } else if (step.part === "out") {
    made.push(p(about_kind(layer)));
    if (layer.notes.includes("python")) made.push(p(t("python_layer", layer.kind)));
    if (layer.notes.includes("masks")) made.push(p(t("masks")));
    made.push(p(t("shapes", layer.takes.map(one => one.join(" × ")).join(", "), layer.shape.join(" × "))), ...insides(l, "a"));
  } else if (step.part === "loss") made.push(...loss_panel());
  else if (step.part === "delta") {
    if (layer.form === "other") made.push(p(t(isLinear(l) ? "delta_other" : "delta_sums")), ...insides(l, "delta"));
    else {
      const next = dense_behind(l);
      made.push(p(t(isLast(l) ? "about_delta_last" : "about_delta")));
      if (layer.costs) made.push(p(t("costs")));
      if (isRowwise(l) && layer.activation === "softmax")
        made.push(general("\\delta_j = a_j \\cdot (\\frac{\\partial L}{\\partial a_j} - \\sum_k a_k \\cdot \\frac{\\partial L}{\\partial a_k})"));
      else if (!isRowwise(l)) made.push(general(
        isLinear(l) ? "\\delta_j = \\frac{\\partial L}{\\partial a_j}" : "\\delta_j = f'(z_j) \\cdot \\frac{\\partial L}{\\partial a_j}",
        ...(next >= 0 ? [`\\frac{\\partial L}{\\partial a_j} = \\sum_k w_{jk}^{(${next + 1})} \\cdot \\delta_k^{(${next + 1})}`] : [])));
      made.push(neurons(l, "delta", da_of, (l, j) => isRowwise(l) || isLinear(l) ? null : slope_of(l, j), delta_of));
    }
  } else if (step.part === "gradient") made.push(...gradient_panel(l));
  else if (step.part === "update") made.push(...update_panel(l));
  else made.push(...check_panel());
  return made;
}

function about_kind(layer) {
  const name = `kind_${layer.kind}`;
  return data.texts.en[name] ? t(name) : t("kind", layer.kind);
}

const shortened = values =>
  values.slice(0, SMALL).map(v => plain(v)).join("; ") + (values.length > SMALL ? "; …" : "");
function loss_panel() {
  const loss = data.loss, several = loss.outputs.length > 1, made = [p(t("about_loss", loss.name))];
  if (loss.sum?.formula) made.push(general(loss.sum.formula));
  for (const own of loss.outputs) {
    if (several && own.symbol) made.push(h("h3", {}, `${own.of}: ${own.kind}`));
    if (own.formulas?.length) made.push(general(...own.formulas), ...meanings([...own.formulas, own.slope]));
    if (own.y) {
      const values = row(own.y.packed), name = several ? ` (${own.of})` : "";
      made.push(p(`${t("targets")}${name}: y = ${shortened(values)}`));
      // A class by its number, or a smoothed target.
      const taken = own.known?.y && shortened(row(own.known.y));
      if (taken && taken !== shortened(values)) made.push(p(`${t("as_row")} y = ${taken}`));
    }
    if (own.symbol) made.push(loss_lines(own.lines.length && own.lines.length <= LINES ? own.lines : [{ left: own.symbol, pieces: [], value: own.value }]));
  }
  if (loss.sum) made.push(several ? h("h3", {}, "L") : null, loss_lines([loss.sum.line]));
  if (data.count > 1) made.push(p(t("mean_over", data.count)));
  if (loss.penalty) made.push(p(t("penalty")), ...penalty_formula(), eq("R", result(loss.penalty, "R")), eq("L + R", result(Number(loss.value) + Number(loss.penalty))));
  for (const l of new Set(data.outputs.map(number))) {
    if (l < 0) continue;
    const shown = isUnits(l) && readers(l).length === 0 ? [p(t("about_da")), neurons(l, "da", da_of)]
      : layers[l].size <= SMALL ? [values_list(l, "delta")] : [];
    if (shown.length) made.push(several ? h("h3", {}, layers[l].name) : null, ...shown);
  }
  return made;
}

const loss_lines = lines => h("div", { class: "neurons" }, ...lines.map(line => eq(line.left,
  line.pieces.length <= SMALL ? line.pieces.map(piece => fill(piece.text, piece.of)) : null, result(line.value, line.left === "L" ? "L" : null))));

function penalty_formula() {
  const all = layers.flatMap(layer => layer.parameters.flatMap(one => one.penalty ? [one.penalty.of] : []));
  const terms = [["l1", "\\lambda_1 \\cdot \\sum |w|"], ["l2", "\\lambda_2 \\cdot \\sum w^{2}"]]
    .flatMap(([name, term]) => all.some(of => of[name]) ? [term] : []);
  return terms.length ? [general(`R = ${terms.join(" + ")}`)] : [];
}

// Weights as a table: a row for each input.
function table(l, of, key) {
  const n = takes(l), k = layers[l].size, rows = [];
  for (let i = 0; i < n; i++) rows.push(h("tr", {}, h("th", { scope: "row" }, eq(symbol_in(l, i))),
    ...Array.from({ length: k }, (_, j) => {
      const v = element(l, "kernel", of, i, j);
      const chosen = state.pick && state.pick.l === l && state.pick.j === j && state.pick.i === i;
      return h("td", { class: chosen ? "chosen" : "" }, h("button", {
        "data-key": `t-${l}-${i}-${j}`, "data-of": `${key}-${l}-${i}-${j}`, "data-value": plain(v), "aria-pressed": String(Boolean(chosen)),
        "aria-label": `${t("weight_of", pair(i, j), layers[l].name)} ${plain(v)}`, onclick: () => pick(l, j, i),
      }, plain(v, Math.min(state.digits, 4))));
    })));
  return h("div", { class: "scroll", tabindex: 0 }, h("table", {},
    h("thead", {}, h("tr", {}, h("td", {}), ...Array.from({ length: k }, (_, j) => h("th", { scope: "col" }, String(j + 1))))),
    h("tbody", {}, ...rows)));
}

function gradient_panel(l) {
  const layer = layers[l], made = [];
  if (layer.form !== "dense") {
    made.push(p(t("gradient_other")));
    const about = about_gradient(layer);
    if (about) made.push(p(t(`about_gradient_${about}`)));
    if (shared(l)) made.push(p(t("shared")));
    for (const one of layer.parameters) made.push(...(one.learns ? singles_panel(l, one, false) : [p(t("frozen", one.path))]));
    return made;
  }
  const n = takes(l) * layer.size, kernel = parameter(l, "kernel"), bias = parameter(l, "bias");
  made.push(p(t(data.count === 1 ? "about_gradient" : "about_gradient_sum", data.count)));
  if (shared(l)) made.push(p(t("shared")));
  made.push(general(`${dL("w_{ij}")} = ${data.count > 1 ? "\\sum_n " : ""}${symbol_in(l, "i")} \\cdot \\delta_j`,
    ...(bias?.learns ? [`${dL("b_j")} = ${data.count > 1 ? "\\sum_n " : ""}\\delta_j`] : [])));
  if (!kernel.learns) made.push(p(t("frozen", "kernel")));
  else if (n <= FORMULAS) {
    for (let j = 0; j < layer.size; j++) for (let i = 0; i < takes(l); i++) made.push(line(l, j, i, gradient_of(l, i, j)));
  } else if (n <= CELLS) made.push(h("p", { class: "caption" }, "∂L/∂w"), table(l, "g", "g"));
  else made.push(histogram(kernel.gradient, `∂L/∂w, ${layer.name}`), chosen_weights(l, gradient_of));
  if (bias && !bias.learns) made.push(p(t("frozen", "bias")));
  else if (bias && layer.size <= SMALL) made.push(h("div", { class: "neurons" }, ...Array.from({ length: layer.size }, (_, j) => line(l, j, null, bias_gradient_of(l, j)))));
  else if (bias) made.push(histogram(bias.gradient, `∂L/∂b, ${layer.name}`));
  return made;
}

// Of the neuron that is chosen, the weights with the largest gradients.
function chosen_weights(l, formula) {
  const chosen = state.pick;
  const choices = neurons_to_choose(l);
  if (!chosen || chosen.l !== l) return choices;
  const { j } = chosen;
  if (element(l, "kernel", "g", 0, j) === undefined) return h("div", {}, p(t("not_held", j + 1)), choices);
  const order = Array.from({ length: takes(l) }, (_, i) => i);
  order.sort((a, b) => Math.abs(element(l, "kernel", "g", b, j)) - Math.abs(element(l, "kernel", "g", a, j)));
  const first = order.slice(0, 5);
  if (chosen.i !== null && !first.includes(chosen.i)) first.unshift(chosen.i);
  return h("div", {}, choices, p(t("largest_gradients", j + 1)), ...first.map(i => line(l, j, i, formula(l, i, j))));
}
function neurons_to_choose(l) {
  const rank = (layers[l].columns ?? [...all(l, "delta").keys()]).map(j => [Math.abs(value(l, "delta", j)), j]);
  rank.sort((a, b) => b[0] - a[0]);
  return h("div", { class: "chips" }, h("span", {}, t("choose_neuron")), ...rank.slice(0, 8).map(([, j]) =>
    h("button", { "data-key": `c-${l}-${j}`, "aria-pressed": String(state.pick?.l === l && state.pick?.j === j), onclick: () => { state.pick = { l, j, i: null }; draw(); } }, `${j + 1}`)));
}

function update_panel(l) {
  const layer = layers[l], rule = data.update, made = [];
  if (!rule) return [p(t(data.why_not ? "no_update" : "no_optimizer")), general("w \\leftarrow w - \\eta \\cdot \\frac{\\partial L}{\\partial w}")];
  made.push(p(t("about_update")), h("p", {}, h("code", {}, rule.optimizer), ` · η = ${plain(rule.rate)}`));
  const own = [...new Set(layer.parameters.flatMap(one => (one.lines ?? []).map(line => line.formula)))];
  const formulas = own.length ? own : rule.lines;
  if (formulas.length) made.push(general(...formulas), ...meanings(formulas));
  else made.push(p(t("own_rule")));
  if (rule.waits) made.push(p(t("waits", rule.waits)));
  made.push(...once(l));
  if (layer.form !== "dense") {
    for (const one of layer.parameters) made.push(...(one.learns ? singles_panel(l, one, true) : [p(t("frozen", one.path))]));
    return [...made, ...loss_after(l)];
  }
  const n = takes(l) * layer.size, kernel = parameter(l, "kernel"), bias = parameter(l, "bias");
  if (!kernel.learns) made.push(p(t("frozen", "kernel")));
  else if (n <= FORMULAS / Math.max(1, formulas.length)) {
    for (let j = 0; j < layer.size; j++) for (let i = 0; i < takes(l); i++) made.push(line(l, j, i, update_of(l, "kernel", i, j)));
  } else if (n <= CELLS) {
    made.push(h("p", { class: "caption" }, t("new_weights")), table(l, "new", "new"));
    if (state.pick?.l === l && state.pick.i !== null) made.push(line(l, state.pick.j, state.pick.i, update_of(l, "kernel", state.pick.i, state.pick.j)));
  } else made.push(histogram(kernel.summary, `w, ${layer.name}`), chosen_weights(l, (l, i, j) => update_of(l, "kernel", i, j)));
  if (bias && !bias.learns) made.push(p(t("frozen", "bias")));
  else if (bias && layer.size <= SMALL) made.push(h("div", { class: "neurons" }, ...Array.from({ length: layer.size }, (_, j) => line(l, j, null, update_of(l, "bias", 0, j)))));
  return [...made, ...loss_after(l)];
}
// Behind the last layer's update.
function loss_after(l) {
  if ([...steps].reverse().find(step => step.phase === "update").layer !== l) return [];
  return [h("p", { class: "after" }, t("loss_after")), eq(
    data.loss.penalty ? "L + R" : "L", `= ${tex(Number(data.loss.value) + Number(data.loss.penalty))} \\to`, `${tex(data.update.loss)}`)];
}

// ---- weights of other than dense layers, one by one ---------------------------------------------

// An element by its place in the flat parameter, of what the page holds of a large one.
function single(one, slot, flat) {
  if (!one.singles?.[slot]) return undefined;
  const at = unpack(one.places).values.indexOf(flat);
  return at < 0 ? undefined : unpack(one.singles[slot]).values[at];
}
const at_flat = (one, slot, flat) => one.values ? one.values[slot] && unpack(one.values[slot]).values[flat] : single(one, slot, flat);
const place_of = (shape, flat) => shape.reduceRight(([rest, made], n) => [Math.floor(rest / n), [rest % n, ...made]], [flat, []])[1];
const flat_of = (shape, place) => place.reduce((sum, i, k) => sum * shape[k] + i, 0);
// What stands for a place along an axis: ids as they are, gates by their letters, others from 1.
function mark(one, k, i) {
  const axis = one.axes[k], n = one.gates && one.shape[k] / one.gates.length;
  if (axis === "axis_gate") return `${one.gates[Math.floor(i / n)]}${i % n + 1}`;
  if (axis === "axis_which") return i ? "b′" : "b";
  return String(axis === "axis_id" ? i : i + 1);
}
const marks = (one, flat) => place_of(one.shape, flat).map((i, k) => mark(one, k, i)).join(", ");
const LETTERS_OF = { bias: "b", recurrent_kernel: "U", embeddings: "E", gamma: "\\gamma", beta: "\\beta", alpha: "\\alpha" };
function symbol_at(l, one, flat) {
  const own = one.name.split("/").pop(), places = place_of(one.shape, flat).map((i, k) => mark(one, k, i));
  const letter = one.axes[0] === "axis_which" ? places.shift().replace("′", "'") : LETTERS_OF[own] ?? (one.gates ? "W" : "w");
  return `${letter}_{${places.join(places.some(place => place.length > 1) ? "," : "")}}${above(l)}`;
}
function about_gradient({ kind, gates }) {
  if (gates) return "recurrent";
  return kind.includes("Conv") ? "convolution" : kind === "Embedding" ? "embedding" : kind.endsWith("Normalization") ? "normalization" : null;
}
// Elements by the size of their gradients, as far as the page holds them.
function largest_gradients(one) {
  const held = unpack(one.values?.g ?? one.singles.g).values, flat = one.values ? k => k : k => unpack(one.places).values[k];
  return [...held.keys()].sort((a, b) => Math.abs(held[b]) - Math.abs(held[a])).slice(0, 6).map(flat);
}

// An element's ∂L/∂w; where it is asked for, and the page holds it, as the sum over all places.
function gradient_at({ terms }, w, flat, updates, at, value) {
  const k = updates || !terms ? -1 : unpack(terms.flats).values.indexOf(flat);
  if (k < 0) return [eq(d(w), value)];
  const counts = unpack(terms.counts).values, [all, shown] = counts.slice(2 * k), axes = terms.places.shape[1];
  let first = 0;
  for (let i = 0; i < k; i++) first += counts[2 * i + 1];
  const of = (slot, i) => unpack(terms[slot]).values[i], others = of("others", k), penalty = at("penalty"), formula = terms.formulas[of("which", k)];
  const sum = [], places = [];
  for (let i = first; i < first + shown; i++) {
    sum.push(terms.given ? `${factor(of("given", i))} \\cdot ${factor(of("delta", i))}` : factor(of("delta", i)));
    const [sample, ...place] = unpack(terms.places).values.slice(axes * i, axes * (i + 1)).map(n => n + 1);
    places.push(`(${[sample, place.join(", ")].filter(String).join("; ")})`);
  }
  if (all > shown) sum.push(factor(others));
  if (penalty) sum.push(factor(penalty));
  const about = formula.includes("_t") ? "terms_about_t" : formula.includes("+k") ? "terms_about_k" : "terms_about_p";
  return [eq(d(w), `= ${formula}`, penalty ? `+ \\frac{\\partial R}{\\partial ${w}}` : null, sum.map((one, i) => `${i ? "+" : "="} ${one}`), value),
    p(t(about)), p(all > shown ? t("terms_some", shown, count(all), plain(others)) : t("terms_all", all), shown ? ` ${t("terms_places", places.join(", "))}` : "")];
}

// A parameter: all of it, and the element that is chosen, with its gradient or its update.
function singles_panel(l, one, updates) {
  const { shape, path } = one, top = largest_gradients(one), flat = state.single.get(path) ?? top[0], place = place_of(shape, flat);
  const to = chosen => { state.single.set(path, chosen); draw(); }, slot = updates ? "new" : "g";
  const made = [h("h3", {}, `${path} (${shape.join(" × ")})`), updates ? histogram(one.summary, path) : histogram(one.gradient, `∂L/∂${one.name}`)];
  if (flat === undefined) return made;
  const along = (k, i) => flat_of(shape, place.map((own, n) => n === k ? i : own));
  const chooser = (n, k) => {
    const name = one.axes[k] ? t(one.axes[k]) : t("axis_n", k + 1), key = `single-${path}-${k}`, first = one.axes[k] === "axis_id" ? 0 : 1;
    return h("label", {}, h("span", {}, name), n <= 200
      ? h("select", { "data-key": key, onchange: event => to(along(k, Number(event.target.value))) },
        ...Array.from({ length: n }, (_, i) => h("option", { value: i, selected: i === place[k] }, mark(one, k, i))))
      : h("input", { type: "number", min: first, max: n - 1 + first, value: place[k] + first, "data-key": key,
        onchange: event => to(along(k, Math.max(0, Math.min(n - 1, Math.round(Number(event.target.value)) - first)))) }));
  };
  const button = (chosen, key, text, label) => h("button", { "data-key": `${key}-${path}-${chosen}`, "aria-pressed": String(chosen === flat), "aria-label": label, onclick: () => to(chosen) }, text);
  made.push(p(t("weight_pick")), h("div", { class: "choices" }, ...shape.map(chooser)),
    h("div", { class: "chips" }, h("span", {}, t("largest_of_all")), ...top.map(chosen => button(chosen, "top", marks(one, chosen), t("one_weight", path, marks(one, chosen))))));
  const [tall, wide] = shape.length > 1 ? shape : [1, shape[0]];
  if (one.values?.[slot] && shape.length && tall * wide <= CELLS) {
    const rest = place.slice(2), cell = (y, x) => flat_of(shape, shape.length > 1 ? [y, x, ...rest] : [x]), last = shape.length > 1 ? 1 : 0;
    made.push(h("p", { class: "caption" }, updates ? t("new_weights") : `∂L/∂${one.name}`), h("div", { class: "scroll", tabindex: 0, "data-scroll": `single-${path}` }, h("table", {},
      h("thead", {}, h("tr", {}, last ? h("td", {}) : null, ...Array.from({ length: wide }, (_, x) => h("th", { scope: "col" }, mark(one, last, x))))),
      h("tbody", {}, ...Array.from({ length: tall }, (_, y) => h("tr", {}, last ? h("th", { scope: "row" }, mark(one, 0, y)) : null, ...Array.from({ length: wide }, (_, x) => {
        const at = cell(y, x), v = at_flat(one, slot, at);
        return h("td", { class: at === flat ? "chosen" : "" }, button(at, "cell", plain(v, Math.min(state.digits, 4)), `${t("one_weight", path, marks(one, at))} ${plain(v)}`));
      })))))));
  }
  const w = symbol_at(l, one, flat), at = name => at_flat(one, name, flat), key = name => `at|${name}|${path}|${flat}`;
  const head = t("one_weight", path, marks(one, flat));
  if (at("w") === undefined) return [...made, block_of(head, p(t("single_not_held", path, count(shape.reduce((a, n) => a * n, 1)), count(one.places.shape[0]))))];
  made.push(block_of(head, eq(w, result(at("w"), key("w"))), ...gradient_at(one, w, flat, updates, at, result(at("g"), key("g"))), penalty_line(one, w, at),
    updates ? update_lines(one, w, at, key("new")) : null, beside_of(checked_at(one, flat), w, key("central"))));
  return made;
}

function check_panel() {
  const made = [p(t("about_check")), general("\\frac{\\partial L}{\\partial w} \\approx \\frac{L(w + h) - L(w - h)}{2 \\cdot h}")];
  const [done, whole] = data.checked;
  if (!done) return [...made, p(t("no_check"))];
  made.push(p(t(done === whole ? "check_all" : "check_some", count(done), count(whole))));
  const rows = layers.flatMap(layer => layer.parameters).filter(one => one.check);
  made.push(h("div", { class: "scroll", tabindex: 0 }, h("table", {},
    h("thead", {}, h("tr", {}, ...["parameter", "checked", "difference"].map(name => h("th", { scope: "col" }, t(name))))),
    h("tbody", {}, ...rows.map(one => {
      const kinks = unpack(one.check.kinks).values.reduce((a, b) => a + b, 0), good = Number(one.check.difference) < 1e-5;
      return h("tr", {}, h("th", { scope: "row" }, one.path), h("td", {}, `${count(one.check.places.shape[0])}${kinks ? ` (${t("kinks", kinks)})` : ""}`),
        h("td", { class: good ? "good" : "bad" }, `${good ? "✓" : "✗"} ${plain(one.check.difference, 2)}`));
    })))));
  made.push(p(t("check_pick")));
  return made;
}

// ---- the chain rule for what is chosen ---------------------------------------------------------

function trace() {
  const chosen = state.pick, units = [...layers.keys()].filter(isUnits);
  const made = [h("h2", {}, t("trace"))];
  if (!units.length) return [...made, p(t("no_trace"))];
  const l = chosen?.l ?? -1;
  const choose = (key, label, value, options, change) => h("label", {}, h("span", {}, label),
    h("select", { "data-key": key, onchange: event => change(Number(event.target.value)) },
      ...options.map(([v, text]) => h("option", { value: v, selected: v === value }, text))));
  const row_of = [choose("s-layer", t("layer"), l, [[-1, "–"], ...units.map(k => [k, `(${k + 1}) ${layers[k].name}`])],
    k => { state.pick = k < 0 ? null : { l: k, j: layers[k].columns?.[0] ?? 0, i: null }; draw(); })];
  if (chosen) {
    const held = layers[l].columns ?? Array.from({ length: Math.min(layers[l].size, 4096) }, (_, j) => j);
    const own = held.includes(chosen.j) ? held : [chosen.j, ...held];
    row_of.push(choose("s-neuron", t("neuron"), chosen.j, own.map(j => [j, String(j + 1)]), j => { state.pick = { l, j, i: chosen.i }; draw(); }));
    if (isDense(l) && takes(l) <= 4096) row_of.push(choose("s-weight", t("weight_from"), chosen.i ?? -1,
      [[-1, t("whole_neuron")], ...Array.from({ length: takes(l) }, (_, i) => [i, String(i + 1)])],
      i => { state.pick = { l, j: chosen.j, i: i < 0 ? null : i }; draw(); }));
    row_of.push(h("button", { "data-key": "clear", onclick: () => { state.pick = null; draw(); } }, t("clear")));
  }
  made.push(h("div", { class: "choices" }, ...row_of));
  if (!chosen) return [...made, p(t("trace_hint"))];
  made.push(...(chosen.i === null ? trace_neuron(l, chosen.j) : trace_weight(l, chosen.j, chosen.i)));
  return made;
}

const block_of = (head, ...formulas) => h("div", { class: "link" }, h("h4", {}, head), ...formulas);

function trace_neuron(l, j) {
  const made = [h("h3", {}, t("neuron_of", j + 1, layers[l].name))];
  if (isDense(l)) made.push(block_of(t("forward"), z_of(l, j), largest(l, j), isLinear(l) ? null : a_of(l, j)));
  else made.push(block_of(t("forward"), a_of(l, j)));
  made.push(block_of(t("what_comes_back"), da_of(l, j), where_from(l)));
  made.push(block_of(t("backward"), isRowwise(l) || isLinear(l) ? null : slope_of(l, j), delta_of(l, j)));
  if (isDense(l) && parameter(l, "bias")?.learns) made.push(block_of(t("bias"), bias_gradient_of(l, j), beside("bias", l, 0, j),
    data.update ? update_of(l, "bias", 0, j) : null));
  return made;
}

function where_from(l) {
  const behind = readers(l);
  if (isLast(l) && !behind.length) return p(t("from_loss"));
  return dense_behind(l) >= 0 ? p(t("from_layer", layers[behind[0]].name)) : p(t("from_layers", behind.map(k => layers[k].name).join(", ")));
}

function trace_weight(l, j, i) {
  const w = weight(l, i, j), z = sym("z", l, j), a = sym("a", l, j);
  const made = [h("h3", {}, t("weight_of", pair(i, j), layers[l].name)), p(t("weight_goes", i + 1, j + 1))];
  if (element(l, "kernel", "w", i, j) === undefined) return [...made, p(t("not_held", j + 1))];
  const ratio = (top, below) => `\\frac{\\partial ${top}}{\\partial ${below}}`;
  const through = isRowwise(l) ? `${ratio("L", z)} \\cdot ${ratio(z, w)}`
    : isLinear(l) ? `${ratio("L", a)} \\cdot ${ratio(z, w)}` : `${ratio("L", a)} \\cdot ${ratio(a, z)} \\cdot ${ratio(z, w)}`;
  made.push(h("div", { class: "general" }, eq(`${ratio("L", w)} = ${through}`)));
  made.push(block_of(t("factor_loss"), da_of(l, j), where_from(l)));
  if (!isLinear(l)) made.push(block_of(t(isRowwise(l) ? "factor_rowwise" : "factor_slope"), isRowwise(l) ? delta_of(l, j) : slope_of(l, j)));
  made.push(block_of(t("factor_input"), eq(ratio(z, w), `= ${symbol_in(l, i)}`, result(given(l, i)))));
  const g = element(l, "kernel", "g", i, j);
  if (g === undefined) return [...made, p(t("frozen", "kernel"))];
  made.push(block_of(t("together"), isRowwise(l) || isLinear(l) ? null : delta_of(l, j), gradient_of(l, i, j),
    data.count > 1 ? p(t("this_sample", data.samples[state.sample])) : null));
  made.push(beside("kernel", l, i, j));
  if (data.update) made.push(block_of(t("update"), update_of(l, "kernel", i, j)));
  return made;
}

// The central difference beside what backward says.
function beside(name, l, i, j) {
  return beside_of(checked(l, name, i, j), name === "bias" ? sym("b", l, j) : weight(l, i, j), `central-${name}-${l}-${i}-${j}`);
}
function beside_of(found, w, key) {
  if (!found) return data.checked[0] ? p(t("not_checked")) : null;
  const scale = Math.max(Math.abs(found.backward), Math.abs(found.central));
  const off = scale ? Math.abs(found.backward - found.central) / scale : 0;
  return block_of(t("central"), eq(`\\frac{L(${w} + h) - L(${w} - h)}{2 \\cdot h}`, result(found.central, key)),
    p(found.kink ? t("kink") : `${t("differs", plain(off, 2))}`));
}

// ---- the page --------------------------------------------------------------------------------

const icon = path => s("svg", { viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true" }, s("path", { d: path }));
function buttons() {
  const last = steps.length - 1, step = steps[state.step];
  const button = (key, text, label, to, off) => h("button", { "data-key": key, "aria-label": label, title: label, disabled: off, onclick: () => go(to) }, text);
  return h("nav", { class: "steps", "aria-label": t("steps") },
    h("div", { class: "move" },
      button("first", icon("M4 3v14h3V3zM17 3L8 10l9 7z"), t("first"), 0, state.step === 0),
      button("back", icon("M15 3L4 10l11 7z"), t("back"), state.step - 1, state.step === 0),
      h("span", { class: "at" }, `${state.step + 1} / ${steps.length}`),
      button("next", icon("M5 3l11 7-11 7z"), t("next"), state.step + 1, state.step === last),
      button("last", icon("M16 3v14h-3V3zM3 3l9 7-9 7z"), t("last"), last, state.step === last)),
    h("div", { class: "phase" }, ...PHASES.map(phase => h("button", {
      class: phase, "data-key": `phase-${phase}`, "aria-current": phase === step.phase ? "step" : null,
      onclick: () => go(steps.findIndex(one => one.phase === phase)),
    }, t(phase)))),
    h("div", { class: "progress", "aria-hidden": "true" }, h("div", { style: `width:${100 * state.step / last}%` })));
}

function head() {
  const choice = (key, label, options, current, change) => h("label", {}, h("span", {}, label),
    h("select", { "data-key": key, onchange: event => { change(event.target.value); draw(); } },
      ...options.map(([v, text]) => h("option", { value: v, selected: String(v) === String(current) }, text))));
  const chain = [data.inputs.map(input => input.shape.join("×")).join(", "), ...layers.map(layer => layer.shape.join("×"))].join(" → ");
  return h("header", {},
    h("h1", {}, t("title")),
    h("p", { class: "what" }, h("span", {}, chain), ` · ${data.loss.name} · ${data.dtype}`),
    h("div", { class: "tools" },
      h("div", { class: "languages", role: "group", "aria-label": t("language") }, ...Object.keys(data.texts).map(code => h("button", {
        "data-key": `language-${code}`, lang: code, "aria-pressed": String(code === state.language),
        onclick: () => { state.language = code; document.documentElement.lang = code; document.title = t("title"); draw(); },
      }, { en: "English", id: "Indonesia" }[code] ?? code))),
      choice("digits", t("digits"), [4, 6, 9, 15].map(n => [n, String(n)]), state.digits, v => { state.digits = Number(v); }),
      data.samples.length > 1 ? choice("sample", t("sample"), data.samples.map((n, k) => [k, String(n)]), state.sample, v => { state.sample = Number(v); }) : null),
    ...data.notes.map(note => h("p", { class: "note" }, t(`note_${note.name}`, ...note.values))));
}

function legend() {
  return h("p", { class: "legend" }, h("span", { class: "plus" }, t("positive")), h("span", { class: "minus" }, t("negative")), h("span", {}, t("thickness")));
}

let shown_step = -1;
function draw() {
  const step = steps[state.step], focused = document.activeElement?.dataset?.key;
  const before = root.querySelector(".drawing")?.scrollLeft ?? 0;
  const scrolled = new Map([...root.querySelectorAll("[data-scroll]")].map(one => [one.dataset.scroll, one.scrollLeft]));
  const title = h("h2", { class: step.phase }, title_of(step));
  const live = shown_step !== state.step;
  root.replaceChildren(
    head(),
    buttons(),
    h("section", { class: "drawing", "aria-label": t("network") }),
    legend(),
    h("div", { class: "columns" },
      h("section", { class: `panel ${step.phase}` }, title, ...panel(step).filter(Boolean)),
      h("section", { class: "trace", "aria-label": t("trace") }, ...trace())));
  const drawing = root.querySelector(".drawing");
  drawing.append(network(drawing.clientWidth));
  drawing.scrollLeft = before;
  for (const one of root.querySelectorAll("[data-scroll]")) one.scrollLeft = scrolled.get(one.dataset.scroll) ?? 0;
  const phases = root.querySelector(".phase"), now = phases.querySelector("[aria-current]");
  if (now) phases.scrollLeft = now.offsetLeft - phases.offsetLeft - 40;
  if (live) told.textContent = title.textContent;
  shown_step = state.step;
  if (focused) [...root.querySelectorAll("[data-key]")].find(one => one.dataset.key === focused)?.focus({ preventScroll: true });
}
// Said once for each step, not for all that is drawn anew.
const told = h("p", { class: "told", "aria-live": "polite" });
document.body.append(told);

document.addEventListener("keydown", event => {
  if (event.altKey || event.ctrlKey || event.metaKey || /^(SELECT|INPUT)$/.test(event.target.tagName)) return;
  if (event.target.closest?.(".scroll, .drawing") && event.target.scrollWidth > event.target.clientWidth) return;
  const to = { ArrowRight: state.step + 1, ArrowLeft: state.step - 1, Home: 0, End: steps.length - 1 }[event.key];
  if (to !== undefined) { event.preventDefault(); go(to); }
  else if (event.key === "Escape" && state.pick) { state.pick = null; draw(); }
});
let width = 0;
new ResizeObserver(() => {
  if (Math.abs(root.clientWidth - width) > 4) { width = root.clientWidth; draw(); }
}).observe(root);
draw();
})();
