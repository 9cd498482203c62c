"use strict";
// The little of Markdown that models write around formulas: headings, lists, rules, **bold**, *italics* and `code`. Elements are made of
// text nodes only; there are no links, images or HTML. Underscores are left alone: they are in more formulas than words.
const viewerMarkdown = (() => {
  const MAX_ELEMENTS = 5000, MAX_NESTING = 3; // of a text: a million stars are no emphasis
  const LINE = /^([ \t]*)(?:(#{1,6}) +(?=\S)|([-*+]|\d{1,4}[.)]) +(?=\S)|((?:-{3,}|\*{3,})[ \t]*$))/;
  // A star alone is a product: an emphasis hugs its words, and no word or number touches it from outside.
  const INLINE = /`([^`\n]{1,1000})`|(?<![\w)])\*\*(?=[^\s*])([^\n]{0,1000}?[^\s])\*\*|(?<![\w*\\)])\*(?=[^\s*])([^*\n]{0,1000}[^\s*])\*(?![\w*(])/;

  // Appends a text to `node`. words: text -> the nodes to show for it.
  function append(node, text, words) {
    let left = MAX_ELEMENTS;
    const make = (tag, className) => Object.assign(document.createElement(tag), { className });
    function inline(parent, rest, depth) {
      while (rest) {
        const match = left > 0 && depth < MAX_NESTING ? INLINE.exec(rest) : null;
        parent.append(...words(match ? rest.slice(0, match.index) : rest));
        if (!match) return;
        left--;
        const [whole, code, bold, italic] = match, part = make(code ? "code" : bold ? "strong" : "em", "");
        if (code) part.append(...words(code));
        else inline(part, bold ?? italic, depth + 1);
        parent.append(part);
        rest = rest.slice(match.index + whole.length);
      }
    }
    const plain = []; // lines that are none of ours; the text is shown with its line breaks
    const flush = () => {
      if (plain.length) inline(node, plain.splice(0).join("\n"), 0);
    };
    for (const line of text.split("\n")) {
      const match = left > 0 ? LINE.exec(line) : null;
      if (!match) {
        plain.push(line);
        continue;
      }
      flush();
      left--;
      const [whole, indent, heading, mark, rule] = match;
      const part = make(rule ? "hr" : "div", heading ? "heading" : mark ? "item" : "");
      if (mark) {
        part.style.setProperty("--depth", Math.min(8, Math.floor(indent.replaceAll("\t", "    ").length / 2)));
        part.append(Object.assign(make("span", "mark"), { textContent: /\d/.test(mark) ? mark : "•" }));
        const body = part.appendChild(make("div", ""));
        inline(body, line.slice(whole.length), 0);
      } else if (heading) {
        part.setAttribute("role", "heading");
        part.setAttribute("aria-level", "5");
        inline(part, line.slice(whole.length), 0);
      }
      node.append(part);
    }
    flush();
  }
  return { append };
})();
