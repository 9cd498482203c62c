"""The sample viewer in a real browser: filters, search, links, keys, and generations that attack the page."""

from urllib.parse import quote

import pytest
from conftest import DEFINITIONS, ESCAPES, HOSTILE, wait

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
