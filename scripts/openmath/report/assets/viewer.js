"use strict";
// Sample viewer of the report: list, filters, search, links and keys. All that is shown follows from `state`, which the address holds.
// Text of data is shown through viewer_text.js only.
(() => {
  const { element, visible } = viewerText;
  const { load } = viewerData;
  const root = document.getElementById("samples");
  const find = (selector) => root.querySelector(selector);
  const controls = Object.fromEntries([...root.querySelectorAll("[data-control]")].map((node) => [node.dataset.control, node]));
  const list = find(".list"), spacer = find(".spacer"), detail = find(".detail"), notice = find(".notice");
  const ROW_HEIGHT = 56; // pixels, as in viewer.css
  const CORRECT = 1, TRUNCATED = 2, NO_ANSWER = 4, DISAGREE = 8, REFUSED = 16, UNFINISHED = 32, SOLVED = 64; // as in sample_blocks.py
  const MODES = { greedy: "Greedy", majority: "Majority" };
  const SYMBOLIC = "";
  let sets, block; // all (model, benchmark) pairs; problems a data block
  let state = {}, asked = {}; // what is shown, as in viewer_address.js; what will be, when all of it has been read
  let turn = 0; // raised by each change, so that overtaken ones stop
  let opened = {}, other = null; // the open pair: {set, problems, index}; the same of the model beside it
  let shown = [], current = -1, filtered = ""; // problem numbers in the list; the one in the detail pane; for which filter

  const read = async (set) => {
    const [problems, index] = await Promise.all([load(`${set.problems}/problems-index`), load(`${set.place}/index`)]);
    return { set, problems, index, numbers: new Map(problems.ids.map((id, number) => [id, number])) };
  };
  const textsOf = async ({ set }, number) => (await load(`${set.place}/texts-${Math.floor(number / block)}`))[number % block];
  const problemOf = async ({ set }, number) => (await load(`${set.problems}/problems-${Math.floor(number / block)}`))[number % block];

  // ---- filters

  const flagsOf = (side, number, mode) => side.index.flags[mode]?.[number] ?? 0;
  // As the tables count: unlike `right`, an answer that ties with another may be solved.
  const solves = (side, number, { answer, by }) => (by ? side.index.judged[answer]?.[by]?.[number] === "y" : flagsOf(side, number, answer) & SOLVED);
  const otherSolves = (number, wanted) => {
    const there = other.numbers.get(opened.problems.ids[number]);
    return there !== undefined && solves(other, there, wanted);
  };
  const right = (number, { answer, by }) => (by ? opened.index.judged[answer]?.[by]?.[number] === "y" : flagsOf(opened, number, answer) & CORRECT);
  // Name -> [label, test of a problem].
  function statuses(wanted) {
    const flagged = (flag) => (number) => flagsOf(opened, number, wanted.answer) & flag, judged = Object.keys(opened.index.judged[wanted.answer]).length;
    const alone = {
      all: ["All", () => true],
      right: ["Right", (number) => right(number, wanted)],
      wrong: ["Wrong", (number) => !right(number, wanted)],
      ...(judged ? { disagree: ["Judge disagrees", flagged(DISAGREE)] } : {}),
      truncated: ["Truncated", flagged(TRUNCATED)],
      unfinished: ["Unfinished thought", flagged(UNFINISHED)],
      none: ["No answer", flagged(NO_ANSWER)],
      refused: ["Refused", flagged(REFUSED)],
    };
    if (!other) return alone;
    const solved = (mine, theirs) => (number) => Boolean(solves(opened, number, wanted)) === mine && Boolean(otherSolves(number, wanted)) === theirs;
    return {
      ...alone,
      first: [`Only ${visible(opened.set.model)} solves`, solved(true, false)],
      second: [`Only ${visible(other.set.model)} solves`, solved(false, true)],
      both: ["Both", solved(true, true)],
      neither: ["Neither", solved(false, false)],
    };
  }
  async function found(wanted, test, mine) {
    const numbers = [...opened.problems.ids.keys()].filter(test), words = wanted.search?.trim().toLowerCase();
    if (!words) return numbers;
    find(".count").textContent = "Searching …";
    const matches = [];
    for (const number of numbers) {
      const [problem, texts] = await Promise.all([problemOf(opened, number), textsOf(opened, number)]);
      if (mine !== turn) return [];
      const answers = Object.keys(opened.index.flags).flatMap((name) => [opened.index.answers[name][number], texts[name].thought, texts[name].text]);
      const fields = [problem.id, problem.problem, problem.expected, problem.solution, ...problem.tags, ...answers];
      if (fields.some((text) => text?.toLowerCase().includes(words))) matches.push(number);
    }
    return matches;
  }
  function drawStatuses(wanted) {
    find(".statuses").replaceChildren(element("legend", "", "Show"), ...Object.entries(statuses(wanted)).map(([value, [label, test]]) => {
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "samples-status", value, checked: value === wanted.show });
      const count = opened.problems.ids.reduce((sum, _, number) => sum + Boolean(test(number)), 0);
      return element("label", "", input, `${label} `, element("output", "", count.toLocaleString("en")));
    }));
  }

  // ---- list

  function drawList() {
    if (!(state.answer in (opened.index?.flags ?? {}))) return; // another benchmark is being read
    const first = Math.max(0, Math.floor(list.scrollTop / ROW_HEIGHT) - 5);
    const last = Math.min(shown.length, first + Math.ceil(list.clientHeight / ROW_HEIGHT) + 10);
    const { problems, index } = opened;
    spacer.replaceChildren(...shown.slice(first, last).map((number, offset) => {
      const flags = flagsOf(opened, number, state.answer);
      const extras = [flags & DISAGREE && "judge ≠", flags & TRUNCATED && "cut", flags & UNFINISHED && "unfinished", flags & REFUSED && "refused"].filter(Boolean).map((text) => element("span", "badge", text));
      const got = element("span", "got", visible((index.answers[state.answer][number] ?? "no answer").slice(0, 60)));
      const row = element("div", "row", element("div", "top", viewerSample.sign(right(number, state)), element("span", "name", visible(problems.ids[number])), ...extras, got));
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
  function scrollToCurrent() {
    spacer.style.height = `${shown.length * ROW_HEIGHT}px`;
    const top = shown.indexOf(current) * ROW_HEIGHT;
    if (top < list.scrollTop || top + ROW_HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 3;
  }

  // ---- one problem

  async function drawSample(mine) {
    if (current < 0) return detail.replaceChildren(element("p", "empty", "No problem matches. Choose another filter or search."));
    const side = async (pair, number, name) => {
      const of = (values) => Object.fromEntries(Object.entries(values).map(([mode, all]) => [mode, all[number]]));
      return { name, flags: of(pair.index.flags), answers: of(pair.index.answers), texts: await textsOf(pair, number) };
    };
    const there = other?.numbers.get(opened.problems.ids[current]), { set } = opened;
    const [problem, ...sides] = await Promise.all([
      problemOf(opened, current), side(opened, current, other ? set.model : undefined), ...(there === undefined ? [] : [side(other, there, other.set.model)]),
    ]);
    if (mine !== turn) return;
    const number = current, loadSeeds = async (group) => {
      const { problems } = set.seeds[group];
      return (await load(`${set.place}/seeds-${group}-${Math.floor(number / problems)}`))[number % problems];
    };
    const typeset = viewerSample.draw(detail, {
      problem, sides, mode: state.answer, seed: state.seed, address: address(), promptsOf: set.prompts,
      style: { latex: state.text !== "plain", query: state.search?.trim().toLowerCase() ?? "", formulas: [] },
      seedsOf: { groups: set.seeds, load: loadSeeds },
      pick: (seed) => { state.seed = seed; remember("pushState"); },
    });
    detail.scrollTop = 0;
    performance.mark("sample-shown");
    typeset.then(() => mine === turn && performance.mark("sample-typeset"));
  }

  // ---- what is shown

  const options = (select, names, labels = {}) => {
    select.replaceChildren(...names.map((name) => new Option(labels[name] ?? visible(name), name)));
    select.parentNode.hidden = names.length < 2 && select !== controls.model && select !== controls.benchmark && select !== controls.answer;
  };
  // Short: without what is shown anyway.
  const address = () => {
    const { answer, show } = state, usual = Object.keys(opened.index.flags)[0];
    return viewerAddress.write({ ...state, answer: answer === usual ? undefined : answer, show: show === "all" ? undefined : show });
  };
  const remember = (history) => window.history[history](null, "", address());
  const unknown = (what, name) => name && `There is no ${what} ${visible(name)} here.`;
  const sameOf = (model, benchmark) => sets.find((set) => set.model === model && set.benchmark === benchmark);

  // Shows what is wanted, as near as there is. history: pushState, replaceState; undefined: the address stays. strict: what is wanted comes
  // from a link, so the problem counts more than the filter, and what is unknown is said.
  async function go(wanted, history, strict) {
    const mine = ++turn, missing = []; // undefined where nothing was asked for
    asked = wanted;
    const ofModel = sets.filter((set) => set.model === wanted.model);
    if (!ofModel.length) missing.push(unknown("model", wanted.model));
    else if (!sameOf(wanted.model, wanted.benchmark)) missing.push(unknown("benchmark", wanted.benchmark));
    const set = sameOf(wanted.model, wanted.benchmark) ?? ofModel[0] ?? sets[0];
    const beside = sets.filter((one) => one.benchmark === set.benchmark && one !== set);
    const against = beside.find((one) => one.model === wanted.against);
    if (!against) missing.push(unknown("model", wanted.against));
    const [pair, second] = await Promise.all([set === opened.set ? opened : read(set), against ? read(against) : null]);
    if (mine !== turn) return;
    [opened, other] = [pair, second];
    const next = { ...wanted, model: set.model, benchmark: set.benchmark, against: against?.model };
    const known = (what, value, values) => {
      if (value !== undefined && !values.includes(value)) missing.push(unknown(what, value));
      return values.includes(value) ? value : values[0];
    };
    const modes = Object.keys(pair.index.flags);
    next.answer = known("answer", wanted.answer, modes);
    const judges = Object.keys(pair.index.judged[next.answer]);
    next.by = known("judge", wanted.by, [SYMBOLIC, ...judges]);
    const tests = statuses(next);
    next.show = known("filter", wanted.show, Object.keys(tests));
    options(controls.model, [...new Set(sets.map((one) => one.model))]);
    options(controls.against, [SYMBOLIC, ...beside.map((one) => one.model)], { [SYMBOLIC]: "no other" });
    options(controls.benchmark, sets.filter((one) => one.model === set.model).map((one) => one.benchmark));
    options(controls.answer, modes, MODES);
    options(controls.by, [SYMBOLIC, ...judges], { [SYMBOLIC]: "symbolically" });
    let number = wanted.id ? pair.numbers.get(wanted.id) ?? -1 : -1;
    if (wanted.id && number < 0 && !missing.some(Boolean)) missing.push(unknown("problem", wanted.id));
    await refilter(next, tests, mine);
    if (mine !== turn) return;
    if (number >= 0 && !shown.includes(number) && strict) {
      [next.show, next.search] = ["all", undefined];
      await refilter(next, tests, mine);
    }
    for (const name of ["model", "benchmark", "answer", "by", "against"]) controls[name].value = next[name] ?? "";
    if (document.activeElement !== controls.search) controls.search.value = next.search ?? "";
    controls.latex.checked = next.text !== "plain";
    drawStatuses(next);
    current = shown.includes(number) ? number : shown[0] ?? -1;
    if (current !== number) next.seed = strict && number < 0 && !wanted.id ? next.seed : undefined;
    state = asked = { ...next, id: pair.problems.ids[current] };
    if (history) remember(history);
    const said = missing.filter(Boolean);
    notice.hidden = !strict || !said.length;
    notice.textContent = notice.hidden ? "" : `${said.join(" ")} ${here()}`;
    find(".count").textContent = `${shown.length.toLocaleString("en")} of ${pair.problems.ids.length.toLocaleString("en")} problems`;
    scrollToCurrent();
    drawList();
    await drawSample(mine);
  }
  // What there is, for whoever followed a link to something else.
  function here() {
    const models = [...new Set(sets.map((set) => set.model))];
    return `Here are ${models.map((model) => `${visible(model)} (${sets.filter((set) => set.model === model).map((set) => visible(set.benchmark)).join(", ")})`).join("; ")}.`;
  }
  async function refilter(next, tests, mine) {
    const wanted = JSON.stringify([next.model, next.benchmark, next.against, next.answer, next.by, next.show, next.search]);
    if (wanted === filtered) return;
    const numbers = await found(next, tests[next.show][1], mine);
    if (mine === turn) [shown, filtered] = [numbers, wanted];
  }
  async function guarded(...all) {
    try { await go(...all); } catch (error) { detail.replaceChildren(element("p", "empty", visible(error.message))); }
  }
  const change = (changes, history = "pushState") => guarded({ ...asked, seed: undefined, ...changes }, history);
  async function follow() {
    const wanted = viewerAddress.read(location.hash);
    if (wanted) {
      await guarded(wanted, undefined, true);
      root.scrollIntoView();
    } else if (!location.hash) await guarded({});
  }
  const step = (by) => {
    const place = shown.indexOf(current) + by;
    if (place >= 0 && place < shown.length) change({ id: opened.problems.ids[shown[place]] }, "replaceState");
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
      if (row) change({ id: opened.problems.ids[Number(row.dataset.number)] });
    });
    for (const name of ["answer", "by", "against"]) controls[name].addEventListener("change", () => change({ [name]: controls[name].value || undefined }));
    for (const name of ["model", "benchmark"]) controls[name].addEventListener("change", () => change({ [name]: controls[name].value }));
    controls.latex.addEventListener("change", () => change({ text: controls.latex.checked ? undefined : "plain", seed: state.seed }));
    find(".statuses").addEventListener("change", (event) => change({ show: event.target.value }));
    controls.search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => change({ search: controls.search.value || undefined }, "replaceState"), 200);
    });
    controls.search.addEventListener("keydown", (event) => { if (event.key === "Escape" || event.key === "Enter") list.focus(); });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea") || !onScreen()) return;
      const by = { j: 1, k: -1, ...(event.target === list && { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }) }[event.key];
      if (by) step(by);
      else if (event.key === "/") controls.search.focus();
      else return;
      event.preventDefault();
    });
  }
  async function start() {
    ({ sets, block } = await load("sets"));
    if (!sets.length) return detail.append(element("p", "empty", "There are no samples."));
    if (viewerAddress.read(location.hash)) await follow();
    else await guarded({});
    listen();
    performance.mark("samples-ready");
  }
  start();
})();
