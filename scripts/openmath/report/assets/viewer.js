"use strict";
// Sample viewer of the report: list, filters, search, one problem, links and keys. Text of data is shown through viewer_text.js only.
(() => {
  const { answerNode, element, rich, typesetAll, visible } = viewerText;
  const root = document.getElementById("samples");
  const find = (selector) => root.querySelector(selector);
  const controls = Object.fromEntries([...root.querySelectorAll("[data-control]")].map((node) => [node.dataset.control, node]));
  const list = find(".list"), spacer = find(".spacer"), detail = find(".detail");
  const ROW_HEIGHT = 56; // pixels, as in viewer.css
  const CORRECT = 1, TRUNCATED = 2, NO_ANSWER = 4, DISAGREE = 8, REFUSED = 16, UNFINISHED = 32; // as in viewer.py
  const STATUSES = {
    all: ["All", () => true],
    right: ["Right", (flags) => flags & CORRECT],
    wrong: ["Wrong", (flags) => !(flags & CORRECT)],
    disagree: ["Judge disagrees", (flags) => flags & DISAGREE],
    truncated: ["Truncated", (flags) => flags & TRUNCATED],
    unfinished: ["Unfinished thought", (flags) => flags & UNFINISHED],
    none: ["No answer", (flags) => flags & NO_ANSWER],
    refused: ["Refused", (flags) => flags & REFUSED],
  };
  const MODES = { greedy: "Greedy", majority: "Majority" };
  const query = () => controls.query.value.trim().toLowerCase();
  let sets, block; // all (model, benchmark) pairs; problems a data block
  let set, problems, index; // the open pair
  let shown = [], current = -1; // problem numbers in the list; the one in the detail pane
  let search = 0, drawn = 0; // raised by each search or drawing, so that overtaken ones stop

  // ---- data

  const loaded = new Map();
  const load = (name) => loaded.get(name) ?? loaded.set(name, inflate(name)).get(name);
  async function inflate(name) {
    const packed = atob(find(`[data-block="${name}"]`).textContent);
    const stream = new Blob([Uint8Array.from(packed, (char) => char.charCodeAt(0))]).stream();
    return new Response(stream.pipeThrough(new DecompressionStream("gzip"))).json();
  }
  async function loadProblem(number) {
    const part = Math.floor(number / block);
    const [problem, texts] = await Promise.all([load(`problems/${set.problems}/${part}`), load(`texts/${sets.indexOf(set)}/${part}`)]);
    return [problem[number % block], texts[number % block]];
  }

  // ---- list

  function drawList() {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW_HEIGHT) - 5);
    const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW_HEIGHT) + 10);
    spacer.style.height = `${shown.length * ROW_HEIGHT}px`;
    const mode = controls.mode.value;
    spacer.replaceChildren(...shown.slice(first, last).map((number, offset) => {
      const flags = index.flags[mode][number], right = flags & CORRECT;
      const sign = element("span", right ? "right" : "wrong", right ? "✓" : "✗");
      sign.setAttribute("aria-label", right ? "right" : "wrong");
      const extras = [flags & DISAGREE && "judge ≠", flags & TRUNCATED && "cut", flags & UNFINISHED && "unfinished", flags & REFUSED && "refused"].filter(Boolean).map((text) => element("span", "badge", text));
      const got = element("span", "got", visible((index.answers[mode][number] ?? "no answer").slice(0, 60)));
      const row = element("div", "row", element("div", "top", sign, element("span", "name", visible(problems.ids[number])), ...extras, got));
      row.append(element("div", "snippet", visible(problems.snippets[number])));
      row.style.top = `${(first + offset) * ROW_HEIGHT}px`;
      row.id = `sample-row-${number}`;
      row.dataset.number = number;
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", number === current);
      row.setAttribute("aria-setsize", shown.length);
      row.setAttribute("aria-posinset", first + offset + 1);
      return row;
    }));
    if (shown.includes(current)) list.setAttribute("aria-activedescendant", `sample-row-${current}`);
    else list.removeAttribute("aria-activedescendant");
  }
  async function filter() {
    const mine = ++search, mode = controls.mode.value, words = query();
    const flags = index.flags[mode];
    for (const input of root.querySelectorAll("[name=samples-status]")) {
      const count = flags.reduce((sum, bits) => sum + Boolean(STATUSES[input.value][1](bits)), 0);
      input.parentNode.querySelector("output").textContent = count.toLocaleString("en");
    }
    const test = STATUSES[find("[name=samples-status]:checked").value][1];
    let found = [...flags.keys()].filter((number) => test(flags[number]));
    if (words) {
      find(".count").textContent = "Searching …";
      const matches = [];
      for (const number of found) {
        const [problem, texts] = await loadProblem(number);
        if (mine !== search) return;
        const answers = Object.keys(index.flags).flatMap((name) => [index.answers[name][number], texts[name].thought, texts[name].text]);
        const fields = [problem.id, problem.problem, problem.expected, problem.solution, ...problem.tags, ...answers];
        if (fields.some((text) => text?.toLowerCase().includes(words))) matches.push(number);
      }
      found = matches;
    }
    shown = found;
    find(".count").textContent = `${shown.length.toLocaleString("en")} of ${flags.length.toLocaleString("en")} problems`;
    list.scrollTop = Math.max(0, (shown.indexOf(current) - 2) * ROW_HEIGHT);
    drawList();
  }

  // ---- one problem

  const hashOf = (number) => "#sample=" + [set.model, set.benchmark, problems.ids[number]].map(encodeURIComponent).join("/");
  async function select(number, history) {
    current = number ?? -1;
    const mine = ++drawn, place = shown.indexOf(current);
    if (place >= 0) {
      const top = place * ROW_HEIGHT;
      if (top < list.scrollTop || top + ROW_HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 3;
    }
    drawList();
    if (number === undefined) return detail.replaceChildren(element("p", "empty", "No problem matches. Choose another filter or search."));
    if (history) window.history[history](null, "", hashOf(number));
    const [problem, texts] = await loadProblem(number);
    if (mine !== drawn) return;
    drawProblem(number, problem, texts);
  }
  const badge = (text, good) => element("span", good === undefined ? "badge" : `badge ${good ? "right" : "wrong"}`, text);
  function drawProblem(number, problem, texts) {
    const style = { latex: controls.latex.checked, query: query(), formulas: [] };
    const link = element("a", "", "Link");
    link.href = hashOf(number);
    link.title = "Deep link to this problem: copy its address";
    const head = element("div", "head", element("h3", "", visible(problem.id)), ...problem.tags.map((tag) => badge(visible(tag))), link);
    const table = element("table", "answers");
    const line = (title, answer, ...badges) => {
      const heading = element("th", "", title);
      heading.scope = "row";
      table.append(element("tr", "", heading, element("td", "", answerNode(answer, style)), element("td", "", ...badges)));
    };
    line("Reference", problem.expected);
    const columns = element("div", "columns");
    if (problem.solution) columns.append(element("section", "", element("h4", "", "Reference solution"), rich(problem.solution, style)));
    for (const mode of Object.keys(index.flags)) {
      const flags = index.flags[mode][number], sample = texts[mode];
      const badges = [badge(flags & CORRECT ? "✓ symbolic" : "✗ symbolic", Boolean(flags & CORRECT))];
      for (const [judge, verdict] of sample.judged) {
        badges.push(badge(`${visible(judge)}: ${verdict}`, verdict === "unparsed" ? undefined : verdict === "yes"));
      }
      if (mode === "majority" && texts.votes.tied) badges.push(badge("tied"));
      line(MODES[mode], index.answers[mode][number], ...badges);
      const title = mode === "greedy" ? "Greedy" : `${sample.run}, ${flags & NO_ANSWER ? "the first sample" : "first with the majority answer"}`;
      const facts = [sample.tokens && `${sample.tokens.toLocaleString("en")} tokens`, flags & TRUNCATED && "cut at the token limit", flags & UNFINISHED && "never ended its thought"].filter(Boolean);
      const section = element("section", "", element("h4", "", [title, ...facts].join(" · ")));
      if (sample.thought) {
        const count = sample.thought_tokens ? ` · ${sample.thought_tokens.toLocaleString("en")} tokens` : "";
        section.append(folded(`Thought${count}`, sample.thought, style));
      }
      if (flags & REFUSED) section.append(element("p", "empty", "The question was refused:"), rich(sample.refusal ?? "no words", style));
      else section.append(sample.text === null ? element("p", "empty", "The file holds no generation.") : rich(sample.text, style));
      for (const [judge, , reply, prefilled] of sample.judged) {
        const what = prefilled ? `Not asked: ${visible(prefilled)}` : `Reply of ${visible(judge)}`;
        section.append(element("details", "", element("summary", "", what), rich(reply ?? "", style)));
      }
      columns.append(section);
    }
    detail.replaceChildren(
      head, element("h4", "", "Problem"), rich(problem.problem, style),
      element("h4", "", "Answers"), table, ...votes(texts.votes, style), columns,
    );
    detail.scrollTop = 0;
    const mine = drawn;
    const typesetting = typesetAll(style.formulas, () => mine !== drawn);
    performance.mark("sample-shown");
    typesetting.then(() => mine === drawn && performance.mark("sample-typeset"));
  }
  // Drawn when it is opened: a thought may be hundreds of times as long as its answer.
  function folded(title, text, style) {
    const node = element("details", "thought", element("summary", "", title));
    node.addEventListener("toggle", () => {
      const inside = { ...style, formulas: [] };
      node.append(rich(text, inside));
      typesetAll(inside.formulas, () => !node.isConnected);
    }, { once: true });
    return node;
  }
  function votes(vote, style) {
    if (!vote) return [];
    const bar = (candidate, count, kind, note) => {
      const filled = element("div", "bar");
      filled.style.width = `${(100 * count) / vote.total}%`;
      const track = element("div", "track", filled);
      track.setAttribute("aria-hidden", "true");
      return element("li", kind, element("div", "candidate", candidate), track, element("div", "tally", `${count} ${note}`));
    };
    const rows = vote.candidates.map(([answer, count, correct]) => {
      return bar(answerNode(answer, style), count, correct ? "right" : "wrong", correct ? "✓" : "✗");
    });
    if (vote.others[0]) rows.push(bar(`${vote.others[0]} other answers`, vote.others[1], "", ""));
    if (vote.unanswered) rows.push(bar("no answer", vote.unanswered, "", ""));
    return [element("h4", "", `Votes of ${vote.total} samples`), element("ul", "votes", ...rows)];
  }

  // ---- what is open

  const options = (names, labels = {}) => names.map((name) => new Option(labels[name] ?? name, name));
  async function open(chosen) {
    set = chosen;
    const number = sets.indexOf(set);
    [problems, index] = await Promise.all([load(`problems/${set.problems}/index`), load(`index/${number}`)]);
    if (set !== chosen) return;
    const mode = controls.mode.value;
    controls.model.value = set.model;
    controls.benchmark.replaceChildren(...options(sets.filter((other) => other.model === set.model).map((other) => other.benchmark)));
    controls.benchmark.value = set.benchmark;
    controls.mode.replaceChildren(...options(Object.keys(index.flags), MODES));
    if (mode in index.flags) controls.mode.value = mode;
    await filter();
  }
  const reopen = async (model, benchmark) => {
    const ofModel = sets.filter((other) => other.model === model);
    await open(ofModel.find((other) => other.benchmark === benchmark) ?? ofModel[0]);
    await select(shown[0]);
  };
  async function follow() {
    const match = /^#sample=([^/]+)\/([^/]+)\/(.+)$/.exec(location.hash);
    if (!match) return false;
    let names;
    try { names = match.slice(1).map(decodeURIComponent); } catch { return false; }
    const wanted = sets.find((other) => other.model === names[0] && other.benchmark === names[1]);
    if (!wanted) return false;
    if (wanted !== set) await open(wanted);
    const number = problems.ids.indexOf(names[2]);
    if (number < 0) return false;
    if (!shown.includes(number)) {
      controls.query.value = "";
      find("[name=samples-status]").checked = true;
      await filter();
    }
    await select(number);
    root.scrollIntoView();
    return true;
  }
  const step = (by) => {
    const place = shown.indexOf(current) + by;
    if (place >= 0 && place < shown.length) select(shown[place], "replaceState");
  };
  const refilter = async () => {
    const before = current;
    await filter();
    await select(shown.includes(before) ? before : shown[0]);
  };
  const onScreen = () => {
    const box = root.getBoundingClientRect();
    return box.top < innerHeight / 2 && box.bottom > innerHeight / 2;
  };

  function listen() {
    let typing;
    list.addEventListener("scroll", () => requestAnimationFrame(drawList));
    addEventListener("resize", drawList);
    addEventListener("popstate", follow);
    list.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) select(Number(row.dataset.number), "pushState");
    });
    controls.model.addEventListener("change", () => reopen(controls.model.value, set.benchmark));
    controls.benchmark.addEventListener("change", () => reopen(set.model, controls.benchmark.value));
    controls.mode.addEventListener("change", refilter);
    controls.latex.addEventListener("change", () => select(shown.includes(current) ? current : shown[0]));
    find(".statuses").addEventListener("change", refilter);
    controls.query.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(refilter, 200); });
    controls.query.addEventListener("keydown", (event) => { if (event.key === "Escape" || event.key === "Enter") list.focus(); });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea") || !onScreen()) return;
      const by = { j: 1, k: -1, ...(event.target === list && { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }) }[event.key];
      if (by) step(by);
      else if (event.key === "/") controls.query.focus();
      else return;
      event.preventDefault();
    });
  }
  async function start() {
    ({ sets, block } = await load("sets"));
    if (!sets.length) return detail.append(element("p", "empty", "There are no samples."));
    for (const [value, [label]] of Object.entries(STATUSES)) {
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "samples-status", value, checked: value === "all" });
      find(".statuses").append(element("label", "", input, label + " ", element("output")));
    }
    controls.model.append(...options([...new Set(sets.map((one) => one.model))]));
    if (!(await follow())) {
      await open(sets[0]);
      await select(shown[0]);
    }
    listen();
    performance.mark("samples-ready");
  }
  start();
})();
