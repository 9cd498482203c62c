"use strict";
// Text of the sample viewer: words, as Markdown or plain, and the formulas in them. Data is hostile: it becomes text nodes, or KaTeX's own elements
// (trust: false), never HTML. A style says how text is shown: {latex: typeset?, query: words to mark, formulas: []};
// the formulas found are added to it as [node, tex, display], for typesetAll.
const viewerText = (() => {
  const MAX_FORMULA = 4000, MAX_FORMULAS = 1000, MAX_DEPTH = 150, SLICE_MS = 30; // characters, formulas a text, elements, time

  function element(tag, className, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children);
    return node;
  }

  // Joiners are part of words in Persian or Hindi, and of emoji; elsewhere they hide.
  const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|(?<![\p{Lo}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}])[\u200c\u200d]/gu;
  const visible = (text) => text.replace(HIDDEN, (char) => `⟨U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
  const ENVIRONMENTS = "align|aligned|alignat|equation|gather|gathered|multline|split|cases|array|[pbBvV]?matrix|smallmatrix";
  const OPENING = new RegExp(String.raw`\\\\|\\\$|\$\$|\$|\\\[|\\\(|\\begin\{((?:${ENVIRONMENTS})\*?)\}|\\boxed\s*\{|\[asy\]|` + "```", "g");
  const CLOSING = { "$$": "$$", "\\[": "\\]", "\\(": "\\)", "[asy]": "[/asy]", "```": "```" };

  // Yields {text}, {tex, display, source} or {code}. One pass: a closing mark that is missing is looked for once.
  function* segments(text) {
    const missing = new Set(), opening = new RegExp(OPENING);
    let start = 0, match;
    while ((match = opening.exec(text))) {
      const at = match.index, mark = match[0], after = at + mark.length;
      let end = -1, body = null, part = {};
      if (mark === "$") {
        end = closingDollar(text, after);
        if (end > 0) part = { tex: text.slice(after, end++) };
      } else if (mark.startsWith("\\boxed")) {
        end = closingBrace(text, after);
        if (end > 0) part = { tex: text.slice(at, end) };
      } else {
        const close = match[1] ? `\\end{${match[1]}}` : CLOSING[mark];
        const place = !close || missing.has(close) ? -1 : text.indexOf(close, after);
        if (close && place < 0) missing.add(close);
        if (place >= 0) {
          end = place + close.length;
          body = text.slice(after, place);
          if (mark === "[asy]") part = { code: body };
          else if (mark === "```") part = { code: body.replace(/^[\w+#.-]{1,30}[ \t]*\n/, "") }; // without the language's name
          else part = { tex: match[1] ? text.slice(at, end) : body, display: mark !== "\\(" };
        }
      }
      if (end < 0 || (part.tex !== undefined && !part.tex.trim())) continue;
      yield { text: text.slice(start, at) };
      yield { ...part, source: text.slice(at, end) };
      opening.lastIndex = start = end;
    }
    yield { text: text.slice(start) };
  }

  // "$5 and $7" is money: without a command, ^, _ or braces inside, the marks must hug the formula and no digit may follow.
  function closingDollar(text, from) {
    const event = /\\[\s\S]|\$\$?|\n\s*\n/g;
    event.lastIndex = from;
    let match;
    while ((match = event.exec(text)) && /^\\[^([]/.test(match[0]));
    if (!match || match[0] !== "$") return -1;
    const body = text.slice(from, match.index);
    return /[\\^_{]/.test(body) || (/^\S(.*\S)?$/s.test(body) && !/^\d/.test(text.slice(match.index + 1))) ? match.index : -1;
  }

  function closingBrace(text, from) {
    for (let depth = 1, at = from; at < Math.min(text.length, from + MAX_FORMULA); at++) {
      if (text[at] === "\\") at++;
      else if (text[at] === "{") depth++;
      else if (text[at] === "}" && --depth === 0) return at + 1;
    }
    return -1;
  }

  const DEFINITION = /\\(?:[exg]?def|let|futurelet|global|long|newcommand|renewcommand|providecommand)(?![a-zA-Z])/;
  const KATEX = { throwOnError: false, errorColor: "currentColor", strict: "ignore", trust: false, maxExpand: 1000, maxSize: 20 };
  const HUGE = /(?<![\d.])\d{3,}(?:\.\d+)?em/; // 100em and more
  const deeper = (node, limit) => limit < 0 || [...node.children].some((child) => deeper(child, limit - 1));
  function typeset(node, tex, display) {
    // Definitions are what formula bombs are made of; hardly an answer needs them.
    if (tex.length > MAX_FORMULA || tex.search(HIDDEN) >= 0 || DEFINITION.test(tex)) return;
    const made = document.createElement("span");
    try {
      katex.render(tex.trim(), made, { ...KATEX, displayMode: Boolean(display) });
    } catch {
      return; // nested too deep for KaTeX: the source stays
    }
    if (deeper(made, MAX_DEPTH)) return; // ... or for a browser's layout
    // KaTeX bounds sizes by maxSize, but not negative ones: \raisebox{-9999em} would push all else out of sight.
    if ([...made.querySelectorAll("[style]")].some((part) => HUGE.test(part.getAttribute("style")))) return;
    node.replaceChildren(...made.childNodes);
    node.className = display ? "display" : "";
  }

  // Formulas are set in slices, so that no text can hold up the page; until then, and where they can't be, the source is shown.
  // overtaken: whether another problem has been drawn meanwhile.
  async function typesetAll(formulas, overtaken) {
    let until = performance.now() + 2 * SLICE_MS;
    for (const [node, tex, display] of formulas) {
      if (performance.now() > until) {
        await new Promise((resolve) => setTimeout(resolve));
        if (overtaken()) return;
        until = performance.now() + SLICE_MS;
      }
      typeset(node, tex, display);
    }
  }

  function marked(text, query) {
    if (!text) return [];
    const lower = text.toLowerCase(), parts = [];
    if (!query || lower.length !== text.length) return [visible(text)];
    let start = 0;
    for (let at = lower.indexOf(query); at >= 0; at = lower.indexOf(query, start)) {
      parts.push(visible(text.slice(start, at)), element("mark", "", visible(text.slice(at, at + query.length))));
      start = at + query.length;
    }
    return [...parts, visible(text.slice(start))];
  }

  const PLACE = "\ue000"; // of a formula or code, while the words around it are read as Markdown
  function rich(text, style) {
    const node = element("div", "prose"), placed = [];
    if (!style.latex) {
      node.append(...marked(text, style.query));
      return node;
    }
    let words = "", formulas = 0, display = false;
    for (const part of segments(text.replaceAll(PLACE, "⟨U+E000⟩"))) {
      if (part.tex !== undefined) {
        const formula = element("span", "source", visible(part.source));
        if (++formulas <= MAX_FORMULAS) style.formulas.push([formula, part.tex, part.display]); // each slice lays out all of the text
        placed.push(formula);
        words += PLACE;
      } else if (part.code !== undefined) {
        placed.push(element("pre", "", ...marked(part.code.trim(), style.query)));
        words += PLACE;
      } else words += (display ? part.text.replace(/^[ \t]*\n?/, "") : part.text).replaceAll("\\$", "$"); // a displayed formula ends its line by itself
      display = part.display;
    }
    viewerMarkdown.append(node, words, (some) => some.split(PLACE).flatMap((piece, n) => [...(n ? [placed.shift()] : []), ...marked(piece, style.query)]));
    return node;
  }

  // An answer is a formula without marks around it, unless it is words or has marks of its own.
  function answerNode(answer, style) {
    if (answer === null || answer === undefined) return element("span", "empty", "no answer");
    const words = !answer.trim() || answer.includes("$") || (!answer.includes("\\") && /[A-Za-z]{3}|[a-z] [a-z]/.test(answer));
    if (words || !style.latex) return rich(answer, style);
    const node = element("span", "source", visible(answer));
    style.formulas.push([node, answer, false]);
    return node;
  }

  return { answerNode, element, rich, typesetAll, visible };
})();
