"""The sample viewer in a real browser: filters, search, links, keys, and generations that attack the page."""

import json
from urllib.parse import quote

import pytest
from conftest import ATTACK, DEFINITIONS, ESCAPES, HOSTILE, wait

TITLE = "return document.querySelector('.detail h3')?.textContent"
COUNT = "return document.querySelector('.count').textContent"
LAST_MARK = "performance.getEntriesByName('{}').at(-1)?.startTime"
TYPESET = f"{LAST_MARK.format('sample-typeset')} >= {LAST_MARK.format('sample-shown')}"


def link(number: int, model: str = "first") -> str:
    return f"#sample={model}/bench/{quote(f'p/{number} ü', safe='')}"


def choose(browser, status: str) -> int:
    """Number of problems in the list under a filter, checked against what its chip says."""
    browser.execute_script(f"document.querySelector('.statuses input[value={status}]').click()")
    chip = browser.execute_script(f"return document.querySelector('input[value={status}]').parentNode.querySelector('output').textContent")  # fmt: skip # noqa: E501
    wait(browser, f"{COUNT}.startsWith('{chip} of 150')")
    return int(chip)


def test_filters_agree_with_the_grades(viewer_page):
    browser = viewer_page()
    counts = {status: choose(browser, status) for status in ("all", "right", "wrong", "truncated", "none", "disagree")}
    unanswered = 1 + len(HOSTILE) - len(ESCAPES) - 1  # row 3, and hostile texts without a readable box
    wrong = sum(n % 3 == 0 for n in range(150) if n != 3 and not 10 <= n < 10 + len(HOSTILE)) + 1 + len(HOSTILE)
    assert counts["all"] == 150
    assert counts["wrong"] == wrong and counts["right"] == 150 - wrong
    assert counts["truncated"] == 1
    assert unanswered - 1 <= counts["none"] <= unanswered + 1
    assert counts["disagree"] == counts["right"] - 1  # the judge says no to all but row 5, which is right


def test_nobody_disagrees_where_there_is_no_judge(viewer_page):
    chips = "return [...document.querySelectorAll('.statuses input')].map((one) => one.value).includes('disagree')"
    assert viewer_page(link(1)).execute_script(chips)
    assert not viewer_page(link(1, "second")).execute_script(chips)


def test_answers_of_models_with_long_names_are_in_view_on_a_phone(viewer_page):
    browser = viewer_page(link(20) + "&against=third")
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        widths = browser.execute_script("""
            for (const name of document.querySelectorAll(".answers th")) name.textContent = "long-name-".repeat(9);
            return [".answers", ".detail"].map((part) => document.querySelector(part).scrollWidth);
        """)
        pane = browser.execute_script("return document.querySelector('.detail').clientWidth")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert max(widths) <= pane


def test_formulas_are_typeset_and_money_is_not(viewer_page):
    browser = viewer_page(link(1))
    wait(browser, "return document.querySelectorAll('.detail .katex').length >= 8")
    assert "It costs $5 and $7." in browser.execute_script("return document.querySelector('.detail').textContent")
    assert browser.execute_script("return document.querySelectorAll('.detail .katex-display').length") >= 1
    fonts = browser.execute_script("return [...document.fonts].filter(f => f.status === 'error').length")
    assert fonts == 0


def test_votes_are_counted(viewer_page):
    browser = viewer_page(link(1))
    tallies = browser.execute_script("return [...document.querySelectorAll('.tally')].map(n => n.textContent)")
    assert tallies == ["4 ✓"]


def test_links_back_and_forward(viewer_page):
    browser = viewer_page(link(77, "second"))
    assert browser.execute_script(TITLE) == "p/77 ü"
    assert browser.execute_script("return document.querySelector('[data-control=model]').value") == "second"
    browser.execute_script("document.querySelector('.row[aria-selected=true] + .row').click()")
    wait(browser, f"{TITLE} === 'p/78 ü'")
    browser.back()
    wait(browser, f"{TITLE} === 'p/77 ü'")
    browser.forward()
    wait(browser, f"{TITLE} === 'p/78 ü'")
    assert browser.current_url.endswith(link(78, "second"))


def test_keys_and_search(viewer_page):
    browser = viewer_page()
    body = browser.find_element("css selector", "body")
    body.send_keys("jjjk")
    wait(browser, f"{TITLE} === 'p/2 ü'")
    body.send_keys("/")
    search = browser.switch_to.active_element
    assert search.get_attribute("type") == "search"
    search.send_keys("N+1=150")  # only in the last reference solution; case does not matter
    wait(browser, f"{COUNT} === '1 of 150 problems'")
    wait(browser, f"{TITLE} === 'p/149 ü'")
    search.send_keys("zzz")
    wait(browser, "return document.querySelector('.detail').textContent.includes('No problem matches')")
    search.send_keys("\ue00c")  # Escape: back to the list
    assert browser.switch_to.active_element.get_attribute("role") == "listbox"


def test_list_is_virtual_and_labelled(viewer_page):
    browser = viewer_page()
    assert browser.execute_script("return document.querySelectorAll('.row').length") < 60
    selected = "document.querySelector('.row[aria-selected=true]')"
    assert browser.execute_script(f"return {selected}.id === document.querySelector('.list').getAttribute('aria-activedescendant')")  # fmt: skip # noqa: E501
    assert browser.execute_script("return [...document.querySelectorAll('#samples select, #samples input')].every(n => n.labels.length === 1)")  # fmt: skip # noqa: E501


def test_formulas_that_define_commands_stay_source(viewer_page):
    number = 10 + len(HOSTILE) - len(ESCAPES) - 1
    browser = viewer_page(link(number))
    wait(browser, f"{TITLE} === 'p/{number} ü' && {TYPESET}")
    sources = browser.execute_script(
        "return [...document.querySelectorAll('.detail annotation')].map(n => n.textContent)"
    )
    assert "x^2" in sources
    text = browser.execute_script("return document.querySelector('.detail').textContent")
    for formula in DEFINITIONS:
        assert formula not in sources and f"${formula}$" in text
    assert browser.execute_script("return document.querySelectorAll('.detail .katex-error').length") == 0


# Every element of a formula, cut to the cells around it that clip, as [left, top, right, bottom]: what of it can be painted.
PAINTED = """
const clips = (node) => { const s = getComputedStyle(node); return s.contain.includes("paint") || s.overflowX !== "visible"; };
return [...document.querySelectorAll(".detail .katex-html *")].map((node) => {
  const cell = node.closest(".prose, td, .candidate"), own = cell.getBoundingClientRect();
  let { left, top, right, bottom } = node.getBoundingClientRect();
  for (let around = node.parentElement; around; around = around.parentElement) if (clips(around)) {
    const box = around.getBoundingClientRect();
    [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
    [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
  }
  if (left >= right || top >= bottom) return 0;
  return Math.max(own.left - left, own.top - top, right - own.right, bottom - own.bottom);
});
"""


@pytest.mark.parametrize("number", range(10 + len(HOSTILE) - len(ESCAPES), 10 + len(HOSTILE)))
def test_formulas_paint_nothing_outside_their_cell(viewer_page, number):
    browser = viewer_page(link(number), afresh=False)
    wait(browser, f"{TITLE} === 'p/{number} ü' && {TYPESET}")
    painted = browser.execute_script(PAINTED)
    assert max(painted, default=0) <= 1, "in pixels"
    # The browser's own word: at the badges, and at the heading, nothing of a formula is found.
    found = browser.execute_script("""
        return [...document.querySelectorAll(".detail .badge, .detail h3, .detail h4, .detail th")].map((node) => {
          node.scrollIntoView({ block: "center" });
          const box = node.getBoundingClientRect();
          return document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2).closest(".katex") !== null;
        });""")
    assert len(found) > 5 and not any(found)
    assert browser.execute_script("return document.querySelector('.detail').scrollHeight") < 20_000


@pytest.mark.parametrize("number", range(10, 10 + len(HOSTILE)))
def test_hostile_generations_are_only_text(viewer_page, number):
    browser = viewer_page(link(number), afresh=False)
    wait(browser, f"{TITLE} === 'p/{number} ü'")
    # The page answers keys while formulas are being set, and is looked at when all of them are.
    body = browser.find_element("css selector", "body")
    body.send_keys("j")
    wait(browser, f"{TITLE} === 'p/{number + 1} ü'")
    body.send_keys("k")
    wait(browser, f"{TITLE} === 'p/{number} ü' && {TYPESET}")
    assert browser.execute_script("return window.attacked") is None
    forbidden = "script, img, iframe, style, [onerror], [id=root], [data-x], a[href^=javascript], a[href^=http]"
    assert browser.execute_script(f"return document.querySelectorAll('.detail :is({forbidden})').length") == 0
    assert browser.execute_script("return document.querySelectorAll('.detail a').length") == 1
    assert browser.execute_script("return document.querySelectorAll('*').length") < 300_000
    text = browser.execute_script("return document.querySelector('.detail').textContent")
    assert "\u202e" not in text and "\x00" not in text
    if number == 10:
        assert "<script>window.attacked = 1</script>" in text
    if number == 15:
        assert "⟨U+202E⟩" in text and "⟨U+0000⟩" in text and "\ufffd" in text
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


DETAIL = "return document.querySelector('.detail').textContent"
NOTICE = "return document.querySelector('.notice').textContent"


def chosen(browser, name: str) -> str:
    return browser.execute_script(f"return document.querySelector('[data-control={name}]').value")


def set_control(browser, name: str, value: str) -> None:
    browser.execute_script(
        "const node = document.querySelector(`[data-control=${arguments[0]}]`); node.value = arguments[1];"
        "node.dispatchEvent(new Event('change'))",
        name,
        value,
    )


def test_the_address_holds_all_that_is_chosen(viewer_page):
    wanted = link(77) + "&answer=majority&show=wrong&search=n%3D77&against=third&text=plain"
    browser = viewer_page(wanted)
    assert browser.execute_script(TITLE) == "p/77 ü" and "problems" in browser.execute_script(COUNT)
    browser = viewer_page(link(20) + "&answer=majority&by=&show=second&search=n%3D20&against=third&text=plain")
    assert browser.execute_script(TITLE) == "p/20 ü" and browser.execute_script(COUNT) == "1 of 150 problems"
    assert [chosen(browser, name) for name in ("answer", "against", "search")] == ["majority", "third", "n=20"]
    assert not browser.execute_script("return document.querySelector('[data-control=latex]').checked")
    assert browser.execute_script("return document.querySelector('.notice').hidden")
    viewer_page(browser.execute_script("return document.querySelector('.head a').getAttribute('href')"))
    assert browser.execute_script(COUNT) == "1 of 150 problems", "the link of a problem says the same"


@pytest.fixture
def fresh_tab(chromium):
    """A tab without a history: the one of a tab ends at 50 entries."""
    chromium.switch_to.new_window("tab")
    yield
    chromium.close()
    chromium.switch_to.window(chromium.window_handles[0])


def test_back_undoes_each_choice(fresh_tab, viewer_page):
    browser = viewer_page()
    seen = []  # address, and what the controls showed there
    names = ("model", "benchmark", "answer")
    for name, value in [("answer", "majority"), ("model", "second"), ("benchmark", "zoo/é"), ("model", "first")]:
        before = browser.execute_script("return location.hash")
        seen.append((before, [chosen(browser, control) for control in names]))
        set_control(browser, name, value)
        wait(browser, f"return location.hash !== {json.dumps(before)}")
    seen.append((browser.execute_script("return location.hash"), [chosen(browser, control) for control in names]))
    assert [values for _, values in seen] == [
        ["first", "bench", "greedy"], ["first", "bench", "majority"], ["second", "bench", "majority"],
        ["second", "zoo/é", "majority"], ["first", "bench", "majority"],
    ]  # fmt: skip
    assert choose(browser, "wrong") < 150
    for address, values in reversed(seen):
        browser.back()
        shown = ", ".join(f"document.querySelector('[data-control={control}]').value" for control in names)
        wait(
            browser,
            f"return location.hash === {json.dumps(address)} && `${{[{shown}]}}` === {json.dumps(','.join(values))}",
        )
        wait(browser, f"{COUNT} === '150 of 150 problems'")


def test_choices_in_quick_succession_all_count(viewer_page):
    browser = viewer_page()
    for name, value in (("model", "second"), ("answer", "majority"), ("against", "third")):
        set_control(browser, name, value)
    wait(browser, "return location.hash.includes('answer=majority') && location.hash.includes('against=third')")
    assert chosen(browser, "model") == "second"


@pytest.mark.parametrize(
    ("link_", "said"),
    [
        ("#sample=nobody/bench/x", "There is no model nobody here. Here are first (bench); second (zoo/é, bench); third (bench)."),
        ("#sample=first/nothing/x", "There is no benchmark nothing here."),
        ("#sample=first/bench/p%2F999", "There is no problem p/999 here."),
        ("#sample=first/bench/&against=nobody&show=odd&answer=x&by=y", "There is no model nobody here. There is no answer x here. There is no judge y here. There is no filter odd here."),  # noqa: E501
        ("#sample=%E0%A4%A/bench/<b>\u202e", "There is no model %E0%A4%A here."),
        ("#sample=", ""),
    ],
)  # fmt: skip
def test_an_unknown_link_says_so(viewer_page, link_, said):
    browser = viewer_page(link_)
    assert browser.execute_script(NOTICE).startswith(said)
    assert browser.execute_script(TITLE) == "p/0 ü", "and shows what is there"
    browser.find_element("css selector", ".row:nth-child(2)").click()
    wait(browser, "return document.querySelector('.notice').hidden")


def test_the_prompt_is_shown_as_sent(viewer_page):
    browser = viewer_page(link(1))
    browser.find_element("css selector", ".prompt summary").click()
    wait(browser, "return document.querySelectorAll('.prompt .prose').length === 3")
    turns = browser.execute_script("return [...document.querySelectorAll('.prompt .prose')].map(n => n.textContent)")
    assert turns == ["Solve **this**:\n1+1?", ATTACK, "Solve **this**:\nLet $n=1$. What is $n+1$?"]
    browser = viewer_page(link(1, "second"))
    browser.find_element("css selector", ".prompt summary").click()
    text = wait(browser, "return document.querySelector('.prompt .prose')?.textContent")
    assert text.startswith("<|begin_of_text|><|start_header_id|>system") and "What is $n+1$?<|eot_id|>" in text
    assert browser.execute_script("return window.attacked") is None


@pytest.mark.parametrize("beside", [False, True], ids=["page", "beside"])
def test_all_seeds_are_read_when_they_are_opened(viewer_page, sample_page, page_beside_data, beside):
    page = page_beside_data if beside else sample_page
    browser = viewer_page(link(1), page=page)
    scripts = "return performance.getEntriesByType('resource').filter(e => e.name.includes('seeds')).length"
    assert browser.execute_script(scripts) == 0
    browser.find_element("css selector", ".seeds summary").click()
    wait(browser, "return document.querySelectorAll('.chip').length === 4")
    chips = browser.execute_script("return [...document.querySelectorAll('.chip')].map(n => n.textContent)")
    assert chips == [f"rs{n} ✓ 2" for n in range(4)]
    browser.find_elements("css selector", ".chip")[2].click()
    wait(browser, "return document.querySelectorAll('.seed .katex').length > 0")
    assert browser.current_url.endswith(link(1) + "&seed=rs2")
    browser = viewer_page(link(1) + "&seed=rs3", page=page)
    wait(browser, "return document.querySelector('.chip[aria-pressed=true]')?.textContent.startsWith('rs3')")
    browser.back()
    assert browser.execute_script("return document.querySelectorAll('script[src]').length") == 0


def test_hostile_seeds_are_only_text(viewer_page):
    browser = viewer_page(link(10) + "&seed=rs1")
    wait(
        browser, "return document.querySelector('.seed')?.textContent.includes('<script>window.attacked = 1</script>')"
    )
    assert browser.execute_script("return document.querySelectorAll('.seed :is(script, img, a)').length") == 0
    assert browser.execute_script("return window.attacked") is None


def test_data_that_is_not_beside_the_page_is_named(viewer_page, sample_folder, tmp_path):
    alone = tmp_path / "page.html"
    alone.write_bytes((sample_folder / "page.html").read_bytes())
    browser = viewer_page(link(1), page=alone.as_uri())
    browser.find_element("css selector", ".seeds summary").click()
    wait(browser, f"{DETAIL}.includes('Cannot read data é/first/bench/seeds-0-0.js')")
    browser.get_log("browser")


def test_two_models_on_one_problem(viewer_page):
    browser = viewer_page(link(20))
    set_control(browser, "against", "third")
    wait(browser, "return document.querySelectorAll('.statuses input').length === 12")
    first, second, both, neither = (choose(browser, status) for status in ("first", "second", "both", "neither"))
    solved = {
        n for n in range(150) if n % 3 and not 10 <= n < 10 + len(HOSTILE)
    }  # by the first; the second model has 60
    assert both == len({n for n in solved if n < 60} - {34}) and second == len({20})
    assert first == len(solved) - both == choose(browser, "right") - both and neither == 150 - first - second - both
    choose(browser, "first")
    browser.execute_script("document.querySelector('.row').click()")
    names = browser.execute_script(
        "return [...document.querySelectorAll('.columns section h4')].map(n => n.textContent)"
    )
    assert any(name.startswith("first · Greedy") for name in names)
    browser = viewer_page("#sample=first/bench/&answer=greedy&against=third&show=second")
    assert browser.execute_script(COUNT) == f"{second} of 150 problems"


def test_the_verdicts_of_a_judge_can_count(viewer_page):
    browser = viewer_page("#sample=first/bench/&by=judge&show=right")
    assert browser.execute_script(COUNT) == "1 of 150 problems" and browser.execute_script(TITLE) == "p/5 ü"
    assert chosen(browser, "by") == "judge"
    set_control(browser, "answer", "majority")  # which no judge has seen
    wait(browser, "return document.querySelector('[data-control=by]').parentNode.hidden")


def test_no_script_of_the_data_runs(viewer_page):
    """The page's policy lets its own scripts load others; elements that a text might become may not."""
    browser = viewer_page()
    browser.execute_script("""
        const text = '<script>window.attacked = 9<' + '/script><img src=x onerror="window.attacked = 8">';
        document.body.insertAdjacentHTML('beforeend', text);
    """)
    assert browser.execute_script("return window.attacked") is None
    browser.get_log("browser")


MARKDOWN = [
    ("a **b** c", "a <strong>b</strong> c"),
    ("*it* and **bold *both* $x$**", "<em>it</em> and <strong>bold <em>both</em> <i>$x$</i></strong>"),
    ("`a*b*` and `$y$`", "<code>a*b*</code> and <code><i>$y$</i></code>"),
    ("2*3*4, a * b * c, x**2 + y**2, f(a)*g(b)*h", "2*3*4, a * b * c, x**2 + y**2, f(a)*g(b)*h"),
    ("x_1 and _y_, __z__, ____", "x_1 and _y_, __z__, ____"),
    ("## Step 1\ntext", '<div class="heading">Step 1</div>text'),
    ("#1 is 5 # 6", "#1 is 5 # 6"),
    ("- a\n  - **b**\n12. c", "<li0>•a</li0><li1>•<strong>b</strong></li1><li0>12.c</li0>"),
    ("-5 is less\n3.5 too\n---\nend", "-5 is less\n3.5 too<hr>end"),
    ("a\n\nb", "a\n\nb"),
    ("**$a$** $$b$$\nnext", "<strong><i>$a$</i></strong> <i>$$b$$</i>next"),
    ("\ue000 **x**", "⟨U+E000⟩ <strong>x</strong>"),
    ("**<b onclick=x>**[a](javascript:x) ![i](x)", "<strong>&lt;b onclick=x&gt;</strong>[a](javascript:x) ![i](x)"),
    ("```\n- a **b**\n```", "<pre>- a **b**</pre>"),
    ("```python\nf = 1\n``` and ```g = 2```", "<pre>f = 1</pre> and <pre>g = 2</pre>"),
    # joiners are seen, but in emoji and in words that need them
    ("x\u200dy\u200c1", "x⟨U+200D⟩y⟨U+200C⟩1"),
    *((text, text) for text in ("👨\u200d👩 👩🏽\u200d🔬", "🏳\ufe0f\u200d🌈 می\u200cخواهم", "क्\u200dष")),
]  # fmt: skip
# As above: formulas as <i>, items of a list as <liDEPTH>.
AS_HTML = """
const node = viewerText.rich(arguments[0], { latex: true, query: "", formulas: [] });
for (const span of node.querySelectorAll(".source")) span.outerHTML = `<i>${span.innerHTML}</i>`;
for (const item of node.querySelectorAll(".item")) {
  const depth = item.style.getPropertyValue("--depth");
  item.outerHTML = `<li${depth}>${item.querySelector(".mark").textContent}${item.lastChild.innerHTML}</li${depth}>`;
}
return node.innerHTML.replaceAll(/ class=""| role="heading"| aria-level="5"/g, "");
"""


def test_markdown_is_rendered_and_products_are_not(viewer_page):
    browser = viewer_page()
    assert [browser.execute_script(AS_HTML, text) for text, _ in MARKDOWN] == [html for _, html in MARKDOWN]


def test_each_line_runs_in_the_direction_of_its_words(viewer_page):
    browser = viewer_page()
    sides = browser.execute_script("""
        const node = viewerText.rich("ما هو؟\\nWhat is it?", { latex: true, query: "", formulas: [] });
        document.querySelector(".detail").replaceChildren(node);
        const side = (from, to) => {
          const range = document.createRange(), text = node.firstChild;
          range.setStart(text, from);
          range.setEnd(text, to);
          const line = range.getBoundingClientRect(), all = node.getBoundingClientRect();
          return line.left - all.left < all.right - line.right ? "left" : "right";
        };
        return [side(0, 6), side(7, 18)];
    """)
    assert sides == ["right", "left"]


@pytest.mark.parametrize(
    "part", ["**", "*a", "**a*", "- ", "`", "# a\n", "**a** ", "\n- a", "* ", "**a *b `c "], ids=repr
)
def test_markdown_bombs_are_bounded(viewer_page, part):
    browser = viewer_page()
    took, elements, depth = browser.execute_script(
        """
        const began = performance.now(), node = viewerText.rich(arguments[0], { latex: true, query: "", formulas: [] });
        const depth = (one) => 1 + Math.max(0, ...[...one.children].slice(0, 50).map(depth));
        return [performance.now() - began, node.querySelectorAll("*").length, depth(node)];
        """,
        part * (40_000 // len(part)),
    )
    assert took < 2000 and elements < 16_000 and depth < 10
