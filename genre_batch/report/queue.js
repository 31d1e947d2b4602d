"use strict";
(() => {
  const data = JSON.parse(document.getElementById("queue-data").textContent);
  const byId = (id) => document.getElementById(id);
  const list = byId("queue-list");
  const body = list.querySelector("tbody");
  const headers = [...list.querySelectorAll("th")];
  const card = byId("queue-card");
  const WORDS = ["right", "wrong", "skip"];
  const KINDS = ["missing", "doubtful"];
  const HEIGHT = 44; // of a row in the style sheet
  const SPARE = 8; // rows that are drawn above and below the visible ones
  const roles = data.columns.map(([role]) => role);
  const place = (role) => (roles.includes(role) ? 2 + roles.indexOf(role) : -1);
  const [ID, TITLE, TEXT, GENRES] = ["id", "title", "text", "genres"].map(place);
  const filmOf = (record) => data.rows[data.records[record][0]];
  const value = (row, at) => (at < 0 || row[at] === null ? "" : row[at]);
  const titleOf = (record) => {
    const row = filmOf(record);
    return value(row, TITLE) || value(row, ID) || `row ${row[0]}`;
  };
  const genreOf = (record) => data.genres[data.records[record][2]];
  const kindOf = (record) => KINDS[data.records[record][1]];

  // Decisions, by the place of their record. They are kept in the browser, under the page's content.
  const KEY = `genre-batch:${data.key}`;
  let decisions = new Map();
  let keeps = true;
  const history = [];

  function restore() {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY) || "{}");
      decisions = new Map(Object.entries(stored).map(([record, word]) => [Number(record), word]));
    } catch (error) {
      keeps = false;
    }
  }

  function store() {
    try {
      if (decisions.size) localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(decisions)));
      else localStorage.removeItem(KEY);
    } catch (error) {
      keeps = false;
    }
  }

  // The records that are shown, in order, and which of them is chosen.
  let shown = [];
  let chosen = 0;
  let order = { name: "score", sign: -1 };

  const genreFilter = byId("queue-genre");
  const kindFilter = byId("queue-kind");
  const stateFilter = byId("queue-state");
  const find = byId("queue-find");

  const inWords = (text) => text.toLocaleLowerCase("en").normalize("NFC");
  const searched = [];
  function haystack(record) {
    const film = data.records[record][0];
    searched[film] ??= inWords(filmOf(record).slice(2).join("\n"));
    return searched[film];
  }

  function isShown(record, genre, kind, state, words) {
    const [, kindNumber, genreNumber] = data.records[record];
    if (genre !== "" && genreNumber !== Number(genre)) return false;
    if (kind !== "" && kindNumber !== Number(kind)) return false;
    const decision = decisions.get(record);
    if (state === "none" && decision) return false;
    if (state === "any" && !decision) return false;
    if (WORDS.includes(state) && decision !== state) return false;
    return words.every((word) => haystack(record).includes(word));
  }

  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const keyOf = {
    title: titleOf,
    genre: genreOf,
    kind: kindOf,
    probability: (record) => data.records[record][3],
    score: (record) => data.records[record][4],
    decision: (record) => decisions.get(record) || "~",
  };

  function compare(one, other) {
    const first = keyOf[order.name](one);
    const second = keyOf[order.name](other);
    const sign = typeof first === "number" ? first - second : collator.compare(first, second);
    return order.sign * sign || one - other;
  }

  function filter() {
    const before = shown[chosen];
    const words = inWords(find.value).split(/\s+/).filter(Boolean);
    const [genre, kind, state] = [genreFilter.value, kindFilter.value, stateFilter.value];
    shown = data.records.map((record, index) => index)
      .filter((record) => isShown(record, genre, kind, state, words));
    shown.sort(compare);
    chosen = Math.max(0, shown.indexOf(before));
    list.scrollTop = Math.max(0, chosen * HEIGHT - HEIGHT);
    draw();
    read();
    count();
  }

  function cell(tag, name, text) {
    const made = document.createElement(tag);
    made.className = name;
    made.setAttribute("role", "gridcell");
    const inside = document.createElement("bdi");
    inside.textContent = text;
    made.append(inside);
    return made;
  }

  function line(index) {
    const record = shown[index];
    const row = document.createElement("tr");
    const decision = decisions.get(record) || "";
    row.id = `record-${index}`;
    row.dataset.index = String(index);
    row.dataset.decision = decision;
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", String(index + 2));
    row.setAttribute("aria-selected", String(index === chosen));
    row.append(
      cell("td", "film", titleOf(record)),
      cell("td", "genre", genreOf(record)),
      cell("td", `what ${kindOf(record)}`, kindOf(record)),
      cell("td", "number", data.records[record][3].toFixed(2)),
      cell("td", "number", data.records[record][4].toFixed(2)),
      cell("td", "decision", decision),
    );
    return row;
  }

  function spacer(rows) {
    const row = document.createElement("tr");
    row.className = "spacer";
    row.setAttribute("aria-hidden", "true");
    const inside = document.createElement("td");
    // A narrow page hides columns.
    inside.colSpan = headers.filter((header) => header.offsetWidth).length;
    inside.style.height = `${rows * HEIGHT}px`;
    row.append(inside);
    return row;
  }

  // Draws the rows that can be seen: the page may have thousands.
  function draw() {
    const first = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - SPARE);
    const visible = Math.ceil((list.clientHeight || 600) / HEIGHT);
    const last = Math.min(shown.length, first + visible + 2 * SPARE);
    const rows = [];
    if (first) rows.push(spacer(first));
    for (let index = first; index < last; index += 1) rows.push(line(index));
    if (last < shown.length) rows.push(spacer(shown.length - last));
    body.replaceChildren(...rows);
    list.setAttribute("aria-rowcount", String(shown.length + 1));
    if (shown.length) list.setAttribute("aria-activedescendant", `record-${chosen}`);
    else list.removeAttribute("aria-activedescendant");
  }

  function read() {
    card.classList.toggle("empty", !shown.length);
    if (!shown.length) {
      byId("card-title").textContent = "No label matches the filters.";
      return;
    }
    const record = shown[chosen];
    const row = filmOf(record);
    const missing = kindOf(record) === "missing";
    const [, , , probability, score] = data.records[record];
    byId("card-title").textContent = titleOf(record);
    byId("card-kind").textContent = `${kindOf(record)}?`;
    byId("card-kind").className = `kind ${kindOf(record)}`;
    byId("card-genre").textContent = genreOf(record);
    const percent = (100 * probability).toFixed(0);
    const shares = { 0: "under 1", 100: "over 99" };
    byId("card-numbers").textContent =
      `probability ${shares[percent] || percent} %, score ${score.toFixed(2)}`;
    byId("card-genres").textContent = value(row, GENRES) || "none";
    byId("card-text").textContent = value(row, TEXT) || "(no text)";
    const seen = row[1] ? "; the model was trained on this text" : "";
    const id = value(row, ID) ? `, ${data.columns[roles.indexOf("id")][1]} ${value(row, ID)}` : "";
    byId("card-row").textContent = `Row ${row[0]}${id}${seen}`;
    const effects = missing
      ? { right: "is added", wrong: "stays out" }
      : { right: "stays", wrong: "is removed" };
    for (const button of card.querySelectorAll("[data-decision]")) {
      const word = button.dataset.decision;
      button.setAttribute("aria-pressed", String(decisions.get(record) === word));
      if (effects[word]) button.querySelector(".effect").textContent = effects[word];
    }
  }

  function count() {
    const some = shown.length === data.records.length
      ? `${shown.length.toLocaleString("en")} labels`
      : `${shown.length.toLocaleString("en")} of ${data.records.length.toLocaleString("en")} labels`;
    byId("queue-count").textContent = `${some}, ${decisions.size.toLocaleString("en")} decided.`;
    const notes = [];
    if (data.total > data.records.length) {
      notes.push(
        `The file of the audit has ${data.total.toLocaleString("en")} labels; the page has those with `
        + "the highest scores.",
      );
    }
    if (data.cut) notes.push(`Texts are cut after ${data.cut.toLocaleString("en")} characters.`);
    if (!keeps) notes.push("This browser does not keep decisions: download them before you leave.");
    byId("queue-note").textContent = notes.join(" ");
    byId("queue-download").disabled = !decisions.size;
    byId("queue-clear").disabled = !decisions.size;
  }

  function choose(index) {
    if (!shown.length) return;
    chosen = Math.min(shown.length - 1, Math.max(0, index));
    const top = chosen * HEIGHT;
    const head = list.querySelector("thead").offsetHeight;
    if (top < list.scrollTop) list.scrollTop = top;
    const bottom = list.scrollTop + list.clientHeight - head - HEIGHT;
    if (top > bottom) list.scrollTop = top - list.clientHeight + head + HEIGHT;
    draw();
    read();
  }

  function decide(word) {
    if (!shown.length) return;
    const record = shown[chosen];
    history.push([record, decisions.get(record)]);
    if (word) decisions.set(record, word);
    else decisions.delete(record);
    store();
    count();
    if (word && chosen < shown.length - 1) choose(chosen + 1);
    else choose(chosen);
  }

  // Takes the last decision back, and shows its label again.
  function undo() {
    if (!history.length) return;
    const [record, before] = history.pop();
    if (before) decisions.set(record, before);
    else decisions.delete(record);
    store();
    count();
    const index = shown.indexOf(record);
    choose(index < 0 ? chosen : index);
  }

  function nextOpen() {
    for (let step = 1; step <= shown.length; step += 1) {
      const index = (chosen + step) % shown.length;
      if (!decisions.has(shown[index])) {
        choose(index);
        return;
      }
    }
  }

  const page = () => Math.max(1, Math.floor(list.clientHeight / HEIGHT) - 2);
  const keys = {
    j: () => choose(chosen + 1),
    ArrowDown: () => choose(chosen + 1),
    k: () => choose(chosen - 1),
    ArrowUp: () => choose(chosen - 1),
    Home: () => choose(0),
    End: () => choose(shown.length - 1),
    PageDown: () => choose(chosen + page()),
    PageUp: () => choose(chosen - page()),
    r: () => decide("right"),
    w: () => decide("wrong"),
    s: () => decide("skip"),
    u: undo,
    n: nextOpen,
    "/": () => find.focus(),
  };
  const ONLY_IN_LIST = ["ArrowDown", "ArrowUp", "Home", "End", "PageDown", "PageUp"];

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const isField = target.matches("input, select, textarea");
    if (isField) {
      if (event.key === "Escape") list.focus();
      return;
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = keys[key];
    if (!action) return;
    if (ONLY_IN_LIST.includes(key) && !(target === list || card.contains(target))) return;
    event.preventDefault();
    action();
  });

  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-index]");
    if (row) choose(Number(row.dataset.index));
  });
  list.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  addEventListener("resize", () => requestAnimationFrame(draw));

  for (const button of card.querySelectorAll("[data-decision]")) {
    button.addEventListener("click", () => {
      const again = decisions.get(shown[chosen]) === button.dataset.decision;
      decide(again ? "" : button.dataset.decision);
    });
  }
  byId("queue-back").addEventListener("click", () => choose(chosen - 1));
  byId("queue-next").addEventListener("click", () => choose(chosen + 1));
  byId("queue-undo").addEventListener("click", undo);

  for (const button of list.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      const name = button.dataset.sort;
      const first = name === "score" || name === "probability" ? -1 : 1;
      order = { name, sign: order.name === name ? -order.sign : first };
      for (const header of list.querySelectorAll("[aria-sort]")) header.removeAttribute("aria-sort");
      const direction = order.sign > 0 ? "ascending" : "descending";
      button.parentElement.setAttribute("aria-sort", direction);
      filter();
    });
    button.tabIndex = 0;
  }

  // The review as a file: the records with a decision, in their order, with the row's own columns.
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  function asCsv() {
    const head = ["row", "kind", "genre", "probability", "score", "seen_in_training", "decision"];
    const lines = [[...head, ...data.columns.map(([, name]) => name)]];
    for (const record of [...decisions.keys()].sort((one, other) => one - other)) {
      const row = filmOf(record);
      const [, , , probability, score] = data.records[record];
      lines.push([
        row[0], kindOf(record), genreOf(record), probability, score, Boolean(row[1]),
        decisions.get(record), ...row.slice(2).map((text) => (text === null ? "" : text)),
      ]);
    }
    return lines.map((cells) => cells.map((text) => quoted(String(text))).join(",")).join("\r\n") + "\r\n";
  }

  byId("queue-download").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([asCsv()], { type: "text/csv" }));
    link.download = data.download;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });

  function parse(text) {
    const rows = [[""]];
    let inQuotes = false;
    const content = text.replace(/^\ufeff/, "");
    for (let index = 0; index < content.length; index += 1) {
      const character = content[index];
      const row = rows[rows.length - 1];
      if (inQuotes) {
        if (character !== '"') row[row.length - 1] += character;
        else if (content[index + 1] === '"') {
          row[row.length - 1] += '"';
          index += 1;
        } else inQuotes = false;
      } else if (character === '"') inQuotes = true;
      else if (character === ",") row.push("");
      else if (character === "\n") rows.push([""]);
      else if (character !== "\r") row[row.length - 1] += character;
    }
    return rows.filter((row) => row.length > 1);
  }

  function load(text) {
    const [head, ...rows] = parse(text);
    const at = Object.fromEntries((head || []).map((name, index) => [name, index]));
    if (!["row", "kind", "genre", "decision"].every((name) => name in at)) {
      byId("queue-note").textContent = "This file is not one of decisions.";
      return;
    }
    const known = new Map(
      data.records.map((record, index) => [`${filmOf(index)[0]}\t${kindOf(index)}\t${genreOf(index)}`, index]),
    );
    let loaded = 0;
    for (const row of rows) {
      const record = known.get(`${row[at.row]}\t${row[at.kind]}\t${row[at.genre]}`);
      const word = (row[at.decision] || "").trim().toLowerCase();
      if (record !== undefined && WORDS.includes(word)) {
        decisions.set(record, word);
        loaded += 1;
      }
    }
    store();
    filter();
    byId("queue-note").textContent = `${loaded.toLocaleString("en")} decisions loaded.`;
  }

  byId("queue-upload").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) file.text().then(load);
    event.target.value = "";
  });
  byId("queue-clear").addEventListener("click", () => {
    if (!confirm(`Delete all ${decisions.size} decisions?`)) return;
    decisions.clear();
    store();
    filter();
  });

  byId("queue-command").textContent = data.command;

  data.genres.map((name, index) => [name, index])
    .sort(([one], [other]) => collator.compare(one, other))
    .forEach(([name, index]) => genreFilter.add(new Option(name, String(index))));
  for (const field of [genreFilter, kindFilter, stateFilter]) field.addEventListener("change", filter);
  find.addEventListener("input", filter);

  restore();
  filter();
  document.documentElement.dataset.queue = String(data.records.length);
})();
