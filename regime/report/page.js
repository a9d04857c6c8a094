/* Draws the figures from one block of columns and plotly specifications, in the colours of the page's CSS. */
(() => {
  "use strict";
  const started = performance.now();
  const root = document.documentElement;
  const spec = JSON.parse(document.getElementById("figure-data").textContent);
  const plots = [...document.querySelectorAll(".plot")];
  const touch = matchMedia("(pointer: coarse)").matches;
  let shown = null; // [first, last] date in view
  let busy = false; // a zoom set by this script must not answer itself

  const buffer = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const isoDay = (day) => new Date(day * 864e5).toISOString().slice(0, 10);
  const columns = {};
  for (const [name, column] of Object.entries(spec.columns)) {
    columns[name] = column.kind === "date"
      ? Array.from(new Int32Array(buffer(column.bytes)), isoDay)
      : new Float32Array(buffer(column.bytes));
  }
  const column = (key, name) => columns[spec.figures[key].columns[name]];
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

  /* Changes to the axes of one figure for the dates in view. */
  function axes(key, traces, layout) {
    const result = layout.xaxis.type === "date" ? { xaxis: { range: [...shown] } } : {};
    for (const axis of spec.figures[key].fit) {
      result[axis] = reach(traces, axis.replace("axis", ""), layout[axis].type === "log") ?? {};
    }
    return result;
  }

  function draw(plot) {
    const key = plot.dataset.figure;
    const colours = getComputedStyle(root);
    const traces = resolve(spec.figures[key].traces, key, colours);
    const layout = resolve(spec.figures[key].layout, key, colours);
    for (const [axis, change] of Object.entries(axes(key, traces, layout))) Object.assign(layout[axis], change);
    if (touch) layout.dragmode = false; // a finger on a figure scrolls the page
    return Plotly.react(plot, traces, layout, { responsive: true, displayModeBar: false, doubleClick: false });
  }

  async function view(from, to) {
    shown = [from < first ? first : from, to > last ? last : to];
    busy = true;
    for (const plot of plots.filter((item) => item.data)) {
      const update = {};
      for (const [axis, change] of Object.entries(axes(plot.dataset.figure, plot.data, plot.layout))) {
        for (const [name, value] of Object.entries(change)) update[`${axis}.${name}`] = value;
      }
      await Plotly.relayout(plot, update);
    }
    busy = false;
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
    plot.on("plotly_relayout", (event) => {
      if (busy || typeof event["xaxis.range[0]"] !== "string") return;
      press(null);
      view(event["xaxis.range[0]"].slice(0, 10), event["xaxis.range[1]"].slice(0, 10));
    });
    plot.on("plotly_doubleclick", () => document.querySelector('[data-years="0"]').click());
  }

  async function start() {
    shown = [first, last];
    let drawn = 0;
    for (const plot of plots) {
      try {
        await draw(plot);
        listen(plot);
        drawn += 1;
      } catch (error) {
        console.error(error);
        plot.classList.add("failed");
        plot.textContent = "This figure could not be drawn; what it shows stands in words below it.";
        plot.nextElementSibling.querySelector(".spoken").classList.remove("spoken");
      }
    }
    root.dataset.drawn = drawn;
    root.dataset.milliseconds = Math.round(performance.now() - started);
  }

  const redraw = () => plots.filter((plot) => plot.data).forEach(draw);
  for (const button of document.querySelectorAll("[data-years]")) {
    button.addEventListener("click", () => { press(button); view(back(Number(button.dataset.years)), last); });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => { root.dataset.paper = "yes"; redraw(); });
  addEventListener("afterprint", () => { delete root.dataset.paper; redraw(); });

  const age = Math.floor((Date.now() - new Date(document.getElementById("last").dateTime)) / 864e5);
  if (age > 0) document.getElementById("last").insertAdjacentText("afterend", `, ${age} day${age === 1 ? "" : "s"} before you opened this page`);
  start();
})();
