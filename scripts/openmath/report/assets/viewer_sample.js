"use strict";
// One problem in the detail pane of the sample viewer: its answers, votes, texts and seeds, of one model or of two side by side.
const viewerSample = (() => {
  const { answerNode, element, rich, typesetAll, visible } = viewerText;
  const CORRECT = 1, TRUNCATED = 2, NO_ANSWER = 4, REFUSED = 16, UNFINISHED = 32; // as in sample_blocks.py
  const MODES = { greedy: "Greedy", majority: "Majority" };
  const VERDICTS = { y: true, n: false };
  const badge = (text, good) => element("span", good === undefined ? "badge" : `badge ${good ? "right" : "wrong"}`, text);
  const sign = (right) => {
    const node = element("span", right ? "right" : "wrong", right ? "✓" : "✗");
    node.setAttribute("aria-label", right ? "right" : "wrong");
    return node;
  };
  const tokens = (count) => count && `${count.toLocaleString("en")} tokens`;
  const facts = (sample, flags) => [tokens(sample.tokens), flags & TRUNCATED && "cut at the token limit", flags & UNFINISHED && "never ended its thought"].filter(Boolean);
  const label = (title, name) => (name === undefined ? title : `${visible(name)} · ${title}`);

  // Drawn when it is opened: a thought, or a prompt with examples, may be hundreds of times as long as an answer.
  function folded(title, className, style, ...texts) {
    const node = element("details", className, element("summary", "", title));
    node.addEventListener("toggle", () => {
      const inside = { ...style, formulas: [] };
      node.append(...texts.flatMap(([heading, text]) => [...(heading ? [element("h5", "", heading)] : []), rich(text, inside)]));
      typesetAll(inside.formulas, () => !node.isConnected);
    }, { once: true });
    return node;
  }
  // What a sample says: thought, text or refusal.
  function said(sample, flags, style) {
    const nodes = [];
    if (sample.thought) nodes.push(folded(["Thought", tokens(sample.thought_tokens)].filter(Boolean).join(" · "), "thought", style, ["", sample.thought]));
    if (flags & REFUSED) nodes.push(element("p", "empty", "The question was refused:"), rich(sample.refusal ?? "no words", style));
    else nodes.push(sample.text === null ? element("p", "empty", "The file holds no generation.") : rich(sample.thought ? sample.text.trimStart() : sample.text, style));
    return nodes;
  }
  function sampleSection(mode, side, style) {
    const sample = side.texts[mode], flags = side.flags[mode];
    const title = mode === "greedy" ? "Greedy" : `${sample.run}, ${flags & NO_ANSWER ? "the first sample" : "first with the majority answer"}`;
    const section = element("section", "", element("h4", "", [label(title, side.name), ...facts(sample, flags)].join(" · ")), ...said(sample, flags, style));
    for (const [judge, , reply, prefilled] of sample.judged) {
      section.append(folded(prefilled ? `Not asked: ${visible(prefilled)}` : `Reply of ${visible(judge)}`, "", style, ["", reply ?? ""]));
    }
    return section;
  }
  function answers(problem, sides, style) {
    const table = element("table", "answers");
    const line = (title, answer, ...badges) => {
      const heading = element("th", "", title);
      heading.scope = "row";
      table.append(element("tr", "", heading, element("td", "", answerNode(answer, style)), element("td", "", ...badges)));
    };
    line("Reference", problem.expected);
    for (const side of sides) for (const mode of Object.keys(side.flags)) {
      const right = Boolean(side.flags[mode] & CORRECT);
      const badges = [badge(right ? "✓ symbolic" : "✗ symbolic", right)];
      for (const [judge, verdict] of side.texts[mode].judged) badges.push(badge(`${visible(judge)}: ${verdict}`, VERDICTS[verdict[0]]));
      if (mode === "majority" && side.texts.votes.tied) badges.push(badge("tied"));
      line(label(MODES[mode], side.name), side.answers[mode], ...badges);
    }
    return table;
  }
  function votes({ texts: { votes: vote }, name }, style) {
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
    return [element("div", "", element("h4", "", label(`Votes of ${vote.total} samples`, name)), element("ul", "votes", ...rows))];
  }
  // All samples of the problem, which are read when they are wanted; one of them open. chosen: its run, where the address names one.
  function seeds({ groups, load }, chosen, pick, style) {
    const count = groups.reduce((sum, group) => sum + group.runs.length, 0);
    if (!count) return [];
    const node = element("details", "seeds", element("summary", "", `All ${count} samples`)), shown = element("div", "seed");
    const open = async () => {
      const status = element("p", "empty", "Reading …");
      node.append(status);
      try {
        const runs = groups.flatMap((group) => group.runs), samples = (await Promise.all(groups.map((_, n) => load(n)))).flat();
        const buttons = runs.map((run, n) => {
          const button = element("button", "chip", `${run} `, sign(samples[n].flags & CORRECT), ` ${visible((samples[n].answer ?? "no answer").slice(0, 24))}`);
          button.type = "button";
          button.addEventListener("click", () => { choose(n); pick(run); });
          return button;
        });
        const choose = (n) => {
          buttons.forEach((button, at) => button.setAttribute("aria-pressed", at === n));
          const inside = { ...style, formulas: [] }, { flags, answer } = samples[n];
          const head = element("h4", "", [runs[n], ...facts(samples[n], flags)].join(" · "));
          shown.replaceChildren(head, element("p", "", sign(flags & CORRECT), " ", answerNode(answer, inside)), ...said(samples[n], flags, inside));
          typesetAll(inside.formulas, () => !shown.isConnected || shown.firstChild !== head);
          performance.mark("seed-shown");
        };
        status.replaceWith(element("div", "chips", ...buttons), shown);
        if (chosen !== undefined && !runs.includes(chosen)) shown.replaceChildren(element("p", "empty", `There is no sample ${visible(chosen)} here.`));
        else if (chosen !== undefined) choose(runs.indexOf(chosen));
        const pane = node.parentElement; // scrolled, not the page
        if (chosen !== undefined) pane.scrollTop += node.getBoundingClientRect().top - pane.getBoundingClientRect().top;
      } catch (error) {
        status.textContent = visible(error.message);
      }
    };
    node.addEventListener("toggle", open, { once: true });
    node.open = chosen !== undefined;
    return [node];
  }
  // The prompt as it was sent, with this problem in its place. Plain text: what a template adds is no Markdown.
  function prompts(found, problem, style) {
    return found.map(({ template, turns }) => {
      const texts = turns.map(([role, parts]) => [role && visible(role), parts.join(problem.problem)]);
      return folded(turns[0][0] === null ? `Prompt as sent, ${visible(template)}` : `Prompt as sent, ${turns.length} turn${turns.length === 1 ? "" : "s"} of ${visible(template)}`, "prompt", { ...style, latex: false }, ...texts);
    });
  }

  // sides: one or two models, each {name, flags, answers, texts} of this problem; names only of two. mode: of which two are shown.
  function draw(detail, { problem, sides, mode, style, address, promptsOf, seedsOf, seed, pick }) {
    const link = element("a", "", "Link");
    link.href = address;
    link.title = "This problem with all that is chosen: copy its address";
    const head = element("div", "head", element("h3", "", visible(problem.id)), ...problem.tags.map((tag) => badge(visible(tag))), link);
    const columns = element("div", "columns"), two = sides.length > 1;
    if (problem.solution && !two) columns.append(element("section", "", element("h4", "", "Reference solution"), rich(problem.solution, style)));
    for (const side of sides) for (const name of Object.keys(side.flags)) {
      if (!two || name === mode) columns.append(sampleSection(name, side, style));
    }
    detail.replaceChildren(
      head, element("h4", "", "Problem"), rich(problem.problem, style), ...prompts(promptsOf, problem, style),
      ...(problem.solution && two ? [folded("Reference solution", "", style, ["", problem.solution])] : []),
      element("h4", "", "Answers"), answers(problem, sides, style),
      element("div", "columns", ...sides.flatMap((side) => votes(side, style))), columns, ...seeds(seedsOf, seed, pick, style),
    );
    return typesetAll(style.formulas, () => !head.isConnected);
  }
  return { draw, sign };
})();
