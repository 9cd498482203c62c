"""Keys: how they are read, and that no text of a server keeps one, however it is written."""

import base64
import json
import time
from urllib.parse import quote

import pytest

from openmath.api_keys import NO_KEY, read_key, without_key, without_key_inside
from openmath.errors import InputError

KEY = "sk-plant/9fQ2+xW7_vB4&kL1"
HALVES = KEY[:12], KEY[12:]


@pytest.mark.parametrize("value", [KEY, f"{KEY}\n", f"{KEY}\r\n", f" \t{KEY} ", f"\n{KEY}\u00a0"])
def test_white_space_around_a_key_is_no_part_of_it(monkeypatch, value):
    monkeypatch.setenv("SOME_KEY", value)
    assert read_key("SOME_KEY") == KEY


@pytest.mark.parametrize(
    "value", [f"{KEY} x", f"{KEY}\nx", "sk-plänt-9fQ2xW7vB4", f"{KEY}\x7f", f"{KEY}\u200b", f"‘{KEY}’"]
)
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(monkeypatch, value):
    monkeypatch.setenv("SOME_KEY", value)
    with pytest.raises(InputError) as refused:
        read_key("SOME_KEY")
    assert "SOME_KEY" in str(refused.value) and refused.value.hint
    assert "plant" not in str(refused.value) and "9fQ2" not in str(refused.value)


@pytest.mark.parametrize("value", ["", " \n"])
def test_a_key_that_is_not_set(monkeypatch, value):
    monkeypatch.setenv("SOME_KEY", value)
    assert read_key("SOME_KEY") is None
    monkeypatch.delenv("SOME_KEY")
    assert read_key("SOME_KEY") is None
    assert read_key(None) == NO_KEY


def escaped(form: str) -> str:
    return "".join(form.format(ord(character)) for character in KEY)


FORMS = {
    "plain": KEY,
    "in a longer string": f"Bearer{KEY}xyz",
    "twice": KEY + KEY,
    "in capitals": KEY.upper(),
    "JSON": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "JSON, all escaped": escaped("\\u{:04x}"),
    "JSON in JSON": escaped("\\\\u{:04X}"),
    "some escaped": KEY.replace("p", "\\u0070").replace("Q", "\\x51"),
    "URL": quote(KEY, safe=""),
    "URL in URL": quote(quote(KEY, safe=""), safe=""),
    "URL, all escaped": escaped("%{:02x}"),
    "HTML": KEY.replace("&", "&amp;").replace("/", "&sol;"),
    "HTML, decimal": escaped("&#{};"),
    "HTML, hexadecimal, twice": escaped("&amp;#x{:x};"),
    "two lines": "\n".join(HALVES),
    "a line for each letter": "\n".join(KEY),
    "a line break written out": "\\n".join(HALVES),
    "spaces": "   ".join(HALVES),
    "invisible characters": "\u200b".join(KEY),
    "base64": base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    "base64, one later": base64.b64encode(f"user:{KEY}!".encode()).decode(),
    "base64, two later": base64.urlsafe_b64encode(f"users:{KEY}!".encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
    "its beginning": KEY[:15],
    "its end": KEY[-12:],
}
PIECES = {KEY[i : i + 8].lower() for i in range(len(KEY) - 7)}


def unescaped(text: str) -> str:
    """What a reader could make of it: no white space, no escapes."""
    return "".join(text.encode().decode("unicode-escape", "replace").split()).lower()


@pytest.mark.parametrize("form", FORMS)
def test_words_lose_the_key(form):
    text = f"before, {FORMS[form]} after"
    cleaned = without_key(text, KEY)
    assert cleaned.startswith("before, ") and cleaned.endswith(" after") and "***" in cleaned
    assert len(cleaned) < 40, "more of it is left than what stood around"
    assert not [piece for piece in PIECES if piece in unescaped(cleaned)]


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("its beginning", "its end")])
def test_values_lose_the_key(form):
    kept = without_key_inside({"a": [FORMS[form], 1, None], FORMS[form]: "$x$"}, KEY)
    assert KEY not in json.dumps(kept) and kept["a"][1:] == [1, None] and "$x$" in kept.values()
    assert len(kept["a"][0]) < 30


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key here",
        "sk-plan",
        "so \\neq 7 \\\\u and 100% of &lt; \\frac{1}{2}",
        "\\text{skip} \\right) %d",
        "x" * 100_000,
    ],
)
def test_other_words_stay_as_they_are(text):
    assert without_key(text, KEY) == text
    assert without_key_inside([text], KEY) == [text]


def test_a_reply_may_hold_what_many_keys_begin_with():
    assert without_key_inside("keys begin with sk-proj-", "sk-proj-9fQ2xW7vB4kL1") == "keys begin with sk-proj-"


def test_a_placeholder_is_no_secret():
    assert without_key("none of these", NO_KEY) == "none of these"


@pytest.mark.parametrize(
    "text", ["\\\\" * 500_000, "%25" * 300_000, "&amp;" * 200_000, "&" + "amp;" * 200_000, "\\\\n" * 300_000]
)
def test_no_text_takes_long(text):
    started = time.process_time()
    assert without_key(text, KEY) == text
    assert time.process_time() - started < 5


@pytest.mark.parametrize("around", ["\\frac{1}{2} so & ", "≤ é 解 "])
def test_a_key_is_found_wherever_it_stands_in_a_long_reply(around):
    places = [(form, 0) for form in FORMS] + [("its end", shift) for shift in range(1, 8)]
    for form, shift in places:
        text = around * 50 + "x" * shift + " " + FORMS[form] + " " + around * 50
        assert "***" in without_key(text, KEY), (form, shift)


def test_a_letter_that_is_another_one_in_capitals_hides_no_key():
    assert without_key("so " + "\u212a" * 16, "k" * 16) == "so ***"


@pytest.mark.parametrize(
    "around", ["We get \\frac{1}{2} \\text{so} 12% & more.\n", "Wir hätten \\frac{1}{2} ≤ 解 & 12% mehr.\n"]
)
def test_a_long_reply_without_a_key_takes_little_time(around):
    text = (around * 6000)[:200_000]  # of 64k tokens
    started = time.process_time()
    for _ in range(5):
        assert without_key(text, KEY, part=16) is text
    assert (time.process_time() - started) / 5 < 0.03  # 0.004; by steps of Python 0.1


def test_a_huge_text_with_a_key_in_it_goes_as_a_whole():
    assert without_key("x" * 2**20 + KEY, KEY) == "***"
