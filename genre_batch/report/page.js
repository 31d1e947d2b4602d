"use strict";
(() => {
  const root = document.documentElement;

  // Colors are the style sheet's variables, so that figures follow the theme without a redraw.
  const color = (name) => `var(--${name})`;
  const font = getComputedStyle(document.body).fontFamily;
  const config = {
    background: null,
    font,
    padding: 4,
    autosize: { type: "fit-x", contains: "padding" },
    view: { stroke: null },
    axis: {
      domainColor: color("line"), gridColor: color("line"), tickColor: color("line"),
      gridOpacity: 0.6, labelColor: color("ink"), titleColor: color("soft"),
      labelFontSize: 13, titleFontSize: 13, titleFontWeight: "normal", titlePadding: 8,
      labelLimit: 130,
    },
    legend: {
      orient: "top", title: null, labelColor: color("ink"), labelFontSize: 13, symbolSize: 120,
      symbolStrokeWidth: 3, labelLimit: 220, columns: 2,
    },
    range: { category: [1, 2, 3, 4, 5, 6].map((number) => color(`series-${number}`)) },
    text: { color: color("ink"), fontSize: 12 },
  };

  const views = [];

  // Changes every figure that offers the value.
  function choose(value) {
    for (const { view, select } of views) {
      if (select && [...select.options].some((option) => option.value === value)) {
        select.value = value;
        view.signal("choice", value).run();
      }
    }
  }

  function draw(figure) {
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const plot = figure.querySelector(".plot");
    const select = figure.querySelector("select");
    const options = {
      config,
      ast: true, // interprets expressions: the page's policy forbids compiling them
      actions: false,
      defaultStyle: false,
      renderer: "svg",
      tooltip: { disableDefaultStyle: true },
    };
    return window.vegaEmbed(plot, spec, options).then(({ view }) => {
      views.push({ view, select });
      if (!select) return;
      select.addEventListener("change", () => choose(select.value));
      view.addEventListener("click", (event, item) => {
        if (item && item.datum && item.datum.genre !== undefined) choose(item.datum.genre);
      });
    }, (error) => {
      plot.textContent = `This figure could not be drawn: ${error.message}`;
      console.error(error);
    });
  }

  function key(row, column) {
    const cell = row.cells[column];
    if (!cell.classList.contains("number")) return cell.textContent;
    return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
  }

  function compare(one, other) {
    return typeof one === "number"
      ? one - other
      : one.localeCompare(other, "en", { numeric: true });
  }

  function sort(table, header) {
    const column = header.cellIndex;
    const first = header.classList.contains("number") ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const order = header.getAttribute("aria-sort") === first ? second : first;
    const sign = order === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, key: key(row, column) }));
    rows.sort((one, other) => {
      // Unknown values come last in both directions.
      if (one.key === null || other.key === null) return (one.key === null) - (other.key === null);
      return sign * compare(one.key, other.key);
    });
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", order);
    body.append(...rows.map(({ row }) => row));
  }

  for (const table of document.querySelectorAll("main .table table")) {
    for (const header of table.tHead.rows[0].cells) {
      header.querySelector("button").addEventListener("click", () => sort(table, header));
    }
  }

  const toggle = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  function label() {
    toggle.textContent = isDark() ? "Light" : "Dark";
    toggle.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colors`);
  }
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    label();
  });
  system.addEventListener("change", label);
  label();

  Promise.all([...document.querySelectorAll("main figure")].map(draw)).then(() => {
    root.dataset.drawn = String(views.length);
  });
})();
