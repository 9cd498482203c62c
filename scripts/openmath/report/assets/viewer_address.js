"use strict";
// What the sample viewer shows, as the address says it: #sample=MODEL/BENCHMARK/ID&answer=majority&show=wrong&search=... Each part may
// be left out: without ID the first problem is shown. report/results.py writes such addresses, too.
const viewerAddress = (() => {
  // answer: greedy | majority. by: the judge whose verdicts count. show: a filter. against: another model. seed: a sample run.
  // text: plain, nothing is typeset.
  const NAMES = ["answer", "by", "show", "search", "against", "seed", "text"];

  function write(state) {
    const problem = [state.model, state.benchmark, state.id].map((part) => encodeURIComponent(part ?? "")).join("/");
    const others = NAMES.filter((name) => state[name]).map((name) => `&${name}=${encodeURIComponent(state[name])}`);
    return `#sample=${problem}${others.join("")}`;
  }
  // null: the address is not the viewer's.
  function read(hash) {
    if (!hash.startsWith("#sample=")) return null;
    const decoded = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
    const [problem, ...others] = hash.slice("#sample=".length).split("&");
    const [model, benchmark, ...id] = problem.split("/");
    const state = { model: decoded(model), benchmark: decoded(benchmark ?? ""), id: decoded(id.join("/")) };
    for (const part of others) {
      const at = part.indexOf("="), name = part.slice(0, at);
      if (NAMES.includes(name)) state[name] = decoded(part.slice(at + 1));
    }
    return state;
  }
  return { read, write };
})();
