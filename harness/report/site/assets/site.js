// Sorts and filters tables, draws plots, compares runs. What is chosen is kept in the address.
"use strict";

const jaxrig = (() => {
  const root = document.documentElement.dataset.root;
  const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");

  function keep(name, value) {
    if (value) state.set(name, value);
    else state.delete(name);
    history.replaceState(null, "", `#${state}`);
  }

  function element(name, text, attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function told(name) {
    const script = document.querySelector(`script[type="application/json"][data-for="${name}"]`);
    return script && JSON.parse(script.textContent);
  }

  // Tables

  function worth(row, column) {
    const cell = row.cells[column];
    const text = cell.textContent.trim();
    return { number: cell.dataset.sort === undefined ? NaN : Number(cell.dataset.sort), text };
  }

  function order(one, other) {
    if (!one.text || !other.text) return (one.text ? 0 : 1) - (other.text ? 0 : 1);
    if (!isNaN(one.number) && !isNaN(other.number)) return one.number - other.number;
    return one.text.localeCompare(other.text, "en", { numeric: true });
  }

  function sort(table, column, descending) {
    const rows = [...table.tBodies[0].rows].filter((row) => row.cells.length > column);
    const values = new Map(rows.map((row) => [row, worth(row, column)]));
    const sign = descending ? -1 : 1;
    rows.sort((one, other) => {
      const [a, b] = [values.get(one), values.get(other)];
      return a.text && b.text ? sign * order(a, b) : order(a, b); // what is empty stays behind
    });
    table.tBodies[0].append(...rows);
    [...table.tHead.rows[0].cells].forEach((header, place) => {
      if (place === column) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    });
  }

  function sorted(table) {
    const [column, direction] = (state.get(`${table.id}.sort`) || "").split(".");
    if (column) sort(table, Number(column), direction === "down");
  }

  function makeSortable(table) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = element("button", header.textContent, { type: "button" });
      header.replaceChildren(button);
      button.addEventListener("click", () => {
        const descending = header.getAttribute("aria-sort") === "ascending";
        sort(table, column, descending);
        keep(`${table.id}.sort`, `${column}.${descending ? "down" : "up"}`);
      });
    });
    sorted(table);
  }

  function filter(input) {
    const table = document.getElementById(input.dataset.table);
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...table.tBodies[0].rows];
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    const count = input.closest(".bar").querySelector(".count");
    count.textContent = words.length ? `${shown} of ${rows.length}` : "";
  }

  function makeFilter(input) {
    input.value = state.get(`${input.dataset.table}.filter`) || "";
    input.addEventListener("input", () => {
      filter(input);
      keep(`${input.dataset.table}.filter`, input.value);
    });
    filter(input);
  }

  // Plots

  const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
  const symbols = ["circle", "square", "triangle-up", "diamond", "cross", "x"];
  const dashes = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
  // To make pixels of a plot, its inline styles would have to be drawn, which a strict policy forbids.
  const config = { displaylogo: false, responsive: true, toImageButtonOptions: { format: "svg" } };

  // Plotly takes some tags for markup wherever it shows text.
  function plain(text) {
    return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  }

  function layout(more) {
    const style = getComputedStyle(document.documentElement);
    const [text, line] = ["--text", "--line"].map((name) => style.getPropertyValue(name).trim());
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true };
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: text, size: 13 },
      margin: { l: 60, r: 16, t: 16, b: 48 },
      hovermode: "closest",
      legend: { orientation: "h", y: -0.2 },
      ...more,
      xaxis: { ...axis, ...more.xaxis },
      yaxis: { ...axis, ...more.yaxis },
    };
  }

  const shownAs = {
    median: { title: "time of a call", suffix: "s", values: (line) => line.median },
    ratio: { title: "ratio to the anchor", suffix: "", values: (line) => line.value },
    compile: { title: "compile time", suffix: "s", values: (line) => line.compile },
    memory: { title: "peak memory", suffix: "B", values: (line) => line.memory },
  };

  function history_(data, choices) {
    const shown = choices.shown || "median";
    const { title, suffix, values } = shownAs[shown];
    const drawn = data.series.filter((line) => shown !== "ratio" || line.unit === "ratio");
    const traces = drawn.flatMap((line, place) => {
      const look = {
        color: colours[place % colours.length],
        symbol: symbols[place % symbols.length],
        dash: dashes[Math.floor(place / colours.length) % dashes.length],
        visible: place < colours.length ? true : "legendonly",
        group: String(place),
      };
      const y = values(line);
      const levelled = (shown === "median" && line.unit === "s") || shown === "ratio";
      return [
        ...(levelled ? bands(line, look) : []),
        ...(shown === "median" ? launches(line, look) : []),
        points(line, y, look, suffix),
        ...(levelled ? changes(line, y, look) : []),
        ...programs(line, y, look),
      ];
    });
    return [
      traces,
      layout({
        xaxis: { title: { text: "began (UTC)" }, type: "date" },
        yaxis: {
          title: { text: title },
          type: choices.scale === "log" ? "log" : "linear",
          exponentformat: "SI",
          ticksuffix: suffix,
          rangemode: "nonnegative",
        },
      }),
    ];
  }

  function part(look, more) {
    return { type: "scatter", legendgroup: look.group, visible: look.visible, showlegend: false, ...more };
  }

  function bands(line, look) {
    return line.levels.map((level) => {
      const [from, to] = [line.at[level.first], line.at[level.last]];
      return part(look, {
        x: [from, to, to, from, from],
        y: [level.low, level.low, level.high, level.high, level.low],
        mode: "lines",
        fill: "toself",
        fillcolor: `${look.color}22`,
        line: { width: 0 },
        hoverinfo: "skip",
      });
    });
  }

  function launches(line, look) {
    const each = line.launches.flatMap((some, place) => some.map((s) => [line.at[place], s]));
    return [
      part(look, {
        x: each.map(([at]) => at),
        y: each.map(([, s]) => s),
        mode: "markers",
        marker: { color: look.color, size: 4, opacity: 0.35 },
        hovertemplate: "a launch: %{y:.4s}s<extra></extra>",
      }),
    ];
  }

  function points(line, y, look, suffix) {
    const notes = line.run.map((run, place) =>
      [
        run,
        line.image[place] && `image ${line.image[place]}`,
        line.commit[place] && `commit ${line.commit[place]}`,
        line.jax[place] && `JAX ${line.jax[place]}`,
        line.program[place] && `program ${line.program[place]}`,
        `${line.launches[place].length} launches`,
      ]
        .filter(Boolean)
        .map(plain)
        .join("<br>"),
    );
    return part(look, {
      name: plain(line.name),
      showlegend: true,
      x: line.at,
      y,
      mode: "lines+markers",
      line: { color: look.color, dash: look.dash, width: 1.5 },
      marker: { color: look.color, symbol: look.symbol, size: 7 },
      text: notes,
      customdata: line.page,
      // Without bold type, which would be an inline style.
      hovertemplate: `%{y:.4s}${suffix}, %{x}<br>%{text}<extra></extra>`,
    });
  }

  function changes(line, y, look) {
    const known = line.changes.filter((change) => y[change.at] !== null);
    return known.length === 0 ? [] : [
      part(look, {
        x: known.map((change) => line.at[change.at]),
        y: known.map((change) => y[change.at]),
        mode: "markers+text",
        marker: {
          size: 16,
          color: look.color,
          line: { width: 2, color: "#888" },
          symbol: known.map((change) => (change.ratio > 1 ? "triangle-up" : "triangle-down")),
        },
        text: known.map((change) => `× ${change.ratio.toFixed(3)}`),
        textposition: "top center",
        customdata: known.map((change) => line.page[change.at]),
        hovertext: known.map((change) =>
          `${change.ratio > 1 ? "slower" : "faster"}: ${change.ratio} (${change.low} to ${change.high})` +
          (change.provisional ? ", provisional" : "")),
        hovertemplate: "%{hovertext}<extra></extra>",
      }),
    ];
  }

  function programs(line, y, look) {
    const places = line.program
      .map((program, place) => [program, place])
      .filter(([program, place]) =>
        place > 0 && program && line.program[place - 1] && program !== line.program[place - 1])
      .map(([, place]) => place);
    return places.length === 0 ? [] : [
      part(look, {
        x: places.map((place) => line.at[place]),
        y: places.map((place) => y[place]),
        mode: "markers",
        marker: { size: 13, symbol: "diamond-open", color: look.color, line: { width: 2 } },
        customdata: places.map((place) => line.page[place]),
        text: places.map((place) => `${line.program[place - 1]} → ${line.program[place]}`),
        hovertemplate: "another program: %{text}<extra></extra>",
      }),
    ];
  }

  function roofline(data) {
    const lines = data.ceilings.flatMap((ceiling) => [
      {
        type: "scatter",
        x: [...ceiling.x, ...[...ceiling.x].reverse()],
        y: [...ceiling.worst, ...[...ceiling.best].reverse()],
        mode: "lines",
        line: { width: 0 },
        fill: "toself",
        fillcolor: `${ceiling.colour}22`,
        hoverinfo: "skip",
        showlegend: false,
      },
      {
        type: "scatter",
        x: ceiling.x,
        y: ceiling.usual,
        name: plain(ceiling.name),
        mode: "lines",
        line: { color: ceiling.colour, dash: ceiling.limit === "compute" ? "solid" : "dash" },
        hoverinfo: "name",
      },
    ]);
    const cases = data.points.map((some) => ({
      type: "scatter",
      x: some.x,
      y: some.y,
      name: some.name,
      mode: "markers",
      marker: { color: some.colour, symbol: some.symbol, size: 9, line: { width: 1, color: "#888" } },
      text: some.case.map(plain),
      hovertext: some.told.map(plain),
      customdata: some.page,
      hovertemplate: `%{text}: ${some.name}<br>%{y:.3s}FLOP/s, %{x:.3g} FLOP a byte<br>%{hovertext} of its ceiling<extra></extra>`,
    }));
    return [
      [...lines, ...cases],
      layout({
        xaxis: { title: { text: "FLOP a byte" }, type: "log", range: data.x.map(Math.log10) },
        yaxis: { title: { text: "FLOP/s" }, type: "log", exponentformat: "SI", range: data.y.map(Math.log10) },
      }),
    ];
  }

  function terms(data) {
    const y = data.cases.map(plain);
    const bars = data.limits.map((limit) => ({
      type: "bar",
      orientation: "h",
      name: limit.name,
      y,
      x: limit.shares,
      marker: { color: limit.colour },
      hovertemplate: `${limit.name}: %{x:.0%} of what was measured<extra></extra>`,
    }));
    const bounds = {
      type: "scatter",
      name: "bounds",
      mode: "lines+markers",
      x: data.low.flatMap((low, place) => [low, data.high[place], null]),
      y: y.flatMap((name) => [name, name, null]),
      line: { color: "#888", width: 2 },
      marker: { symbol: "line-ns-open", size: 8, color: "#888" },
      hovertemplate: "bound: %{x:.0%}<extra></extra>",
    };
    return [
      [...bars, bounds],
      layout({
        barmode: "stack",
        height: 160 + 22 * y.length,
        xaxis: { title: { text: "share of the measured time" }, tickformat: ".0%", range: [0, 2] },
        yaxis: { autorange: "reversed" },
        shapes: [{ type: "line", x0: 1, x1: 1, yref: "paper", y0: 0, y1: 1, line: { dash: "dash", color: "#888" } }],
        legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
      }),
    ];
  }

  const kinds = { history: history_, roofline, terms };

  function makePlot(place) {
    const data = told(place.id);
    const form = document.querySelector(`form[data-for="${place.id}"]`);
    const choices = {};
    const draw = () => Plotly.react(place, ...kinds[place.dataset.plot](data, choices), config);
    for (const input of form ? form.elements : []) {
      if (input.type !== "radio") continue;
      if (state.get(input.name) === input.value) input.checked = true;
      if (input.checked) choices[input.name] = input.value;
      input.addEventListener("change", () => {
        choices[input.name] = input.value;
        keep(input.name, input.value);
        draw();
      });
    }
    draw();
    place.on("plotly_click", ({ points }) => {
      if (points[0].customdata) location.href = root + points[0].customdata;
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  // Comparing

  const taken = new Map();
  const signs = { slower: "▲", faster: "▼", same: "=", unclear: "?" };
  const severity = ["slower", "unclear", "faster", "same", ""];

  function take(run, data) {
    taken.set(run, data);
  }

  function load(run) {
    return new Promise((done, failed) => {
      if (taken.has(run.run)) return done(taken.get(run.run));
      const script = element("script", "", { src: root + run.data });
      script.onload = () => done(taken.get(run.run));
      script.onerror = () => failed(new Error(`${run.data} cannot be read`));
      document.head.append(script);
    });
  }

  function seconds(value) {
    for (const [scale, unit] of [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]]) {
      if (value >= scale) return `${(value / scale).toPrecision(3)} ${unit}`;
    }
    return `${(value / 1e-9).toPrecision(3)} ns`;
  }

  function cell(text, sortedBy, kind) {
    const made = element("td", text);
    if (sortedBy !== undefined) made.dataset.sort = sortedBy;
    if (kind) made.className = kind;
    return made;
  }

  function compared(name, base, candidate, verdicts) {
    const [before, after] = [base.cases[name], candidate.cases[name]];
    const [verdict, ratio, low, high] = (verdicts && verdicts[name]) || [];
    const found = ratio ?? (before && after ? after[0] / before[0] : undefined);
    const word = verdict || (before && after ? "" : before ? "removed" : "added");
    return { name, before, after, word, ratio: found, low, high, page: (before || after)[1] };
  }

  function comparedRow(each) {
    const row = document.createElement("tr");
    const sign = signs[each.word] ? `${signs[each.word]} ` : "";
    const link = element("a", each.name, { href: root + each.page });
    const named = document.createElement("td");
    named.append(link);
    row.append(
      cell(sign + each.word, severity.indexOf(each.word), each.word || undefined),
      named,
      cell(each.ratio === undefined ? "" : each.ratio.toFixed(3), each.ratio, "number"),
      cell(each.low == null ? "" : `${each.low.toFixed(3)} to ${each.high.toFixed(3)}`),
      cell(each.before ? seconds(each.before[0]) : "", each.before && each.before[0], "number"),
      cell(each.after ? seconds(each.after[0]) : "", each.after && each.after[0], "number"),
    );
    return row;
  }

  function distance(each) {
    return each.ratio === undefined ? Infinity : Math.abs(Math.log(each.ratio));
  }

  function answer(rows, judged) {
    const count = (word) => rows.filter((each) => each.word === word).length;
    const gone = count("removed") + count("added");
    const aside = gone ? `; ${count("removed")} removed, ${count("added")} added` : "";
    if (!judged) return ["unclear", `? Not measured in turns: ratios without a verdict${aside}`];
    const words = ["slower", "unclear", "faster", "same"].filter((word) => count(word));
    const worst = words[0] || "unclear";
    return [worst, `${signs[worst]} ${words.map((word) => `${count(word)} ${word}`).join(", ")}${aside}`];
  }

  function means(rows) {
    const groups = new Map();
    for (const each of rows) {
      if (each.ratio === undefined) continue;
      const name = each.name.split(each.name.includes("::") ? "::" : "/")[0];
      groups.set(name, [...(groups.get(name) || []), Math.log(each.ratio)]);
    }
    return [...groups].map(([name, logs]) => {
      const mean = Math.exp(logs.reduce((sum, each) => sum + each, 0) / logs.length);
      return `${name} ${mean.toFixed(3)} (${logs.length})`;
    });
  }

  function showComparison(base, candidate, [before, after]) {
    const verdicts = after.verdicts[base.run];
    const names = [...new Set([...Object.keys(before.cases), ...Object.keys(after.cases)])];
    const rows = names.map((name) => compared(name, before, after, verdicts));
    rows.sort((one, other) =>
      severity.indexOf(one.word) - severity.indexOf(other.word) || distance(other) - distance(one));
    const [kind, text] = answer(rows, verdicts);
    const place = document.getElementById("answer");
    place.textContent = text;
    place.className = `answer ${kind}`;
    document.getElementById("advice").textContent = verdicts
      ? `${base.where}, measured in turns`
      : `\`jaxrig compare ${base.run} ${candidate.run}\` judges them by what the machine's runs scatter`;
    document.getElementById("workloads").textContent =
      `Geometric means (of so many cases): ${means(rows).join(", ")}`;
    const table = document.getElementById("compared-table");
    table.tBodies[0].replaceChildren(...rows.map(comparedRow));
    sorted(table);
    filter(document.querySelector('input[data-table="compared-table"]'));
  }

  function makeComparison(form) {
    const { runs } = told("compare");
    const known = new Map(runs.map((run) => [run.run, run]));
    const selects = [form.elements.base, form.elements.candidate];
    for (const select of selects) {
      select.append(element("option", "choose", { value: "" }));
      const latest = element("optgroup", "", { label: "the newest of each machine and target" });
      const all = element("optgroup", "", { label: "all" });
      for (const run of runs) {
        const text = `${run.where}: ${run.began}, ${run.suite}, ${run.run}`;
        if (run.latest) latest.append(element("option", text, { value: run.run }));
        else all.append(element("option", text, { value: run.run }));
      }
      select.append(latest, all);
      select.value = known.has(state.get(select.name)) ? state.get(select.name) : "";
    }
    const show = async () => {
      const [base, candidate] = selects.map((select) => known.get(select.value));
      if (!base || !candidate) return;
      try {
        showComparison(base, candidate, await Promise.all([base, candidate].map(load)));
      } catch (error) {
        document.getElementById("answer").textContent = error.message;
      }
    };
    for (const select of selects) {
      select.addEventListener("change", () => {
        keep(select.name, select.value);
        show();
      });
    }
    show();
  }

  function start() {
    for (const table of document.querySelectorAll("table")) makeSortable(table);
    for (const input of document.querySelectorAll("input[data-table]")) makeFilter(input);
    for (const place of document.querySelectorAll("[data-plot]")) makePlot(place);
    const form = document.querySelector("form#compare");
    if (form) makeComparison(form);
  }

  document.addEventListener("DOMContentLoaded", start);
  return { take };
})();
