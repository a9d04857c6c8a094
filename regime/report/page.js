/* Draws the figures from one block of columns and plotly specifications, in the colours of the page's CSS:
   what is on the screen first, the rest while the browser has nothing better to do, all of it before printing. */
(() => {
  "use strict";
  const started = performance.now();
  const root = document.documentElement;
  const spec = JSON.parse(document.getElementById("figure-data").textContent);
  const plots = [...document.querySelectorAll(".plot")];
  const touch = matchMedia("(pointer: coarse)").matches;
  const PAPER = 680; // pixels of a sheet of A4 or letter between its margins
  let shown = null; // [first, last] date in view

  /* ---- columns ---- */
  const buffer = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const isoDay = (day) => new Date(day * 864e5).toISOString().slice(0, 10);
  const forms = {
    date: ({ bytes }) => Array.from(new Int32Array(buffer(bytes)), isoDay),
    number: ({ bytes }) => new Float32Array(buffer(bytes)),
    byte: ({ bytes }) => Float32Array.from(new Uint8Array(buffer(bytes)), (code) => (code === 255 ? NaN : code)),
    short: ({ bytes, low, step }) => Float32Array.from(
      new Uint16Array(buffer(bytes)), (code) => (code === 65535 ? NaN : low + step * code)),
    sparse: ({ bytes, at, length }) => {
      const values = new Float32Array(buffer(bytes));
      const result = new Float32Array(length).fill(NaN);
      new Int32Array(buffer(at)).forEach((position, row) => { result[position] = values[row]; });
      return result;
    },
  };
  const columns = {};
  function column(key, name) {
    const id = spec.figures[key].columns[name];
    columns[id] ??= forms[spec.columns[id].kind](spec.columns[id]);
    return columns[id];
  }
  const first = column("regimes", "date")[0];
  const last = column("regimes", "date").at(-1);

  /* Words such as "Model: Calm" a session, from columns of regime numbers. */
  function regimeWords(key, parts) {
    const named = parts.map(([label, name]) => [label, column(key, name)]);
    return Array.from(named[0][1], (_, row) => named
      .map(([label, codes]) => `${label}: ${spec.regimes[codes[row]] ?? "not known"}`).join("<br>"));
  }

  /* A specification with its columns and colours put in. */
  function resolve(node, key, colours) {
    if (typeof node === "string") {
      return node.startsWith("var(") ? colours.getPropertyValue(node.slice(4, -1)).trim() : node;
    }
    if (Array.isArray(node)) return node.map((item) => resolve(item, key, colours));
    if (node === null || typeof node !== "object") return node;
    if (node.column) return column(key, node.column);
    if (node.regimes) return regimeWords(key, node.regimes);
    return Object.fromEntries(Object.entries(node).map(([name, item]) => [name, resolve(item, key, colours)]));
  }

  /* ---- axes ---- */
  /* Lowest and highest value in view of the traces on one axis. */
  function reach(traces, axis, log) {
    let low = Infinity;
    let high = -Infinity;
    for (const trace of traces) {
      if ((trace.yaxis ?? "y") !== axis || trace.visible === "legendonly" || !(trace.y instanceof Float32Array)) continue;
      for (let row = 0; row < trace.y.length; row += 1) {
        const value = trace.y[row];
        if (trace.x[row] < shown[0] || trace.x[row] > shown[1] || Number.isNaN(value) || (log && value <= 0)) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (low > high) return null;
    const [a, b] = log ? [Math.log10(low), Math.log10(high)] : [low, Math.max(high, 0)];
    const room = (b - a || 0.1) * 0.05;
    return { range: [a - room, log ? b + room : b], ...(log && { dtick: step(low, high) }) };
  }

  /* Ticks of a log axis: round equal steps within one decade, else 1, 2 and 5 of each. */
  function step(low, high) {
    if (high / low > 10) return "D2";
    const rough = (high - low || low) / 5;
    const decade = 10 ** Math.floor(Math.log10(rough));
    return `L${decade * [1, 2, 5, 10].find((unit) => decade * unit >= rough * 0.99)}`;
  }

  const dated = (plot) => spec.figures[plot.dataset.figure].layout.xaxis.type === "date";

  /* Changes to the axes of one figure for the dates in view. */
  function axes(key, traces, layout) {
    const result = layout.xaxis.type === "date" ? { xaxis: { range: [...shown] } } : {};
    for (const axis of spec.figures[key].fit) {
      result[axis] = reach(traces, axis.replace("axis", ""), layout[axis].type === "log") ?? {};
    }
    return result;
  }

  /* ---- drawing ---- */
  function draw(plot) {
    const key = plot.dataset.figure;
    const colours = getComputedStyle(root);
    const traces = resolve(spec.figures[key].traces, key, colours);
    const layout = resolve(spec.figures[key].layout, key, colours);
    for (const [axis, change] of Object.entries(axes(key, traces, layout))) Object.assign(layout[axis], change);
    if (touch) layout.dragmode = false; // a finger on a figure scrolls the page
    layout.width = root.dataset.paper ? PAPER : plot.clientWidth;
    layout.height = plot.clientHeight;
    const fresh = !plot.data;
    const done = Plotly.react(plot, traces, layout, { displayModeBar: false, doubleClick: false });
    if (fresh) listen(plot);
    return done;
  }

  function zoom(plot) {
    const update = {};
    for (const [axis, change] of Object.entries(axes(plot.dataset.figure, plot.data, plot.layout))) {
      for (const [name, value] of Object.entries(change)) update[`${axis}.${name}`] = value;
    }
    return Plotly.relayout(plot, update);
  }

  async function act(plot, work) {
    if (plot.classList.contains("failed")) return;
    try {
      await (work === "zoom" ? zoom(plot) : draw(plot));
    } catch (error) {
      console.error(error);
      plot.classList.add("failed");
      plot.textContent = "This figure could not be drawn; a description stands below it.";
      plot.nextElementSibling.querySelector(".spoken").classList.remove("spoken");
    }
  }

  /* ---- what is still to do, nearest to the reader first ---- */
  const wanted = new Map(); // plot -> "draw" or "zoom"
  let working = null;

  /* Pixels between a figure and the window, 0 if any of it shows. */
  function away(plot) {
    const { top, bottom } = plot.getBoundingClientRect();
    return Math.max(0, top - innerHeight, -bottom);
  }

  function want(work, some) {
    for (const plot of some) if (!wanted.has(plot)) wanted.set(plot, plot.data ? work : "draw");
    working ??= pump().finally(() => { working = null; });
    return working;
  }

  const pause = () => new Promise((done) => { setTimeout(done); });

  async function pump() {
    while (wanted.size) {
      const plot = [...wanted.keys()].reduce((best, item) => (away(item) < away(best) ? item : best));
      if (away(plot) > 0 && !root.dataset.first) root.dataset.first = Math.round(performance.now() - started);
      const work = wanted.get(plot);
      wanted.delete(plot);
      await act(plot, work);
      await pause();
    }
  }

  function view(from, to) {
    shown = [from < first ? first : from, to > last ? last : to];
    return want("zoom", plots.filter(dated));
  }

  function press(button) {
    for (const other of document.querySelectorAll("[data-years]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  }

  function back(years) {
    if (!years) return first;
    const date = new Date(last);
    date.setUTCFullYear(date.getUTCFullYear() - years);
    return date.toISOString().slice(0, 10);
  }

  function listen(plot) {
    if (!dated(plot)) return;
    plot.on("plotly_relayout", (event) => {
      if (typeof event["xaxis.range[0]"] !== "string") return; // not a reader's own zoom
      press(null);
      view(event["xaxis.range[0]"].slice(0, 10), event["xaxis.range[1]"].slice(0, 10));
    });
    plot.on("plotly_doubleclick", () => document.querySelector('[data-years="0"]').click());
  }

  /* Everything at once, for a sheet of paper: the browser waits for no promise before it prints. */
  function paper(on) {
    if (on) root.dataset.paper = "yes"; else delete root.dataset.paper;
    wanted.clear();
    for (const plot of plots) act(plot, "draw");
    for (const part of document.querySelectorAll("details")) part.open = on;
  }

  async function start() {
    shown = [first, last];
    await want("draw", plots);
    root.dataset.first ??= Math.round(performance.now() - started);
    root.dataset.drawn = plots.filter((plot) => plot.data && !plot.classList.contains("failed")).length;
    root.dataset.milliseconds = Math.round(performance.now() - started);
  }

  for (const button of document.querySelectorAll("[data-years]")) {
    button.addEventListener("click", () => { press(button); view(back(Number(button.dataset.years)), last); });
  }
  const redraw = () => { wanted.clear(); want("draw", plots); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width || root.dataset.paper) return; // a phone's address bar coming and going is no resize
    width = innerWidth;
    redraw();
  });
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));

  const age = Math.floor((Date.now() - new Date(document.getElementById("last").dateTime)) / 864e5);
  if (age > 0) document.getElementById("last").insertAdjacentText("afterend", `, ${age} day${age === 1 ? "" : "s"} before you opened this page`);
  start();
})();
