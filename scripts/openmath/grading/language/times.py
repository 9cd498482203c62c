r"""Times of the day and dates: 7:15 p.m., 19:15, noon, 4 July.

>>> clock("7:15 p.m."), clock("19:15").key, date("4 of July")
(Clock(key='24h:19:15:00', certain=True, by_24_hours=None, bare=None), '24h:19:15:00', 'date:7-4-')
"""

import re
from typing import NamedTuple

_CLOCK = re.compile(
    r"(\d{1,2})(?:(?::|\.(?=\d\d\W{0,6}[ap]))\s*(\d\d))?(?::(\d\d))?(?:\W{0,6}([ap])\W{0,2}m\W{0,2})?", re.IGNORECASE
)
_FULL_HOUR = re.compile(r"(\d{1,2})\s*o'\s*clock", re.IGNORECASE)
_HALF = re.compile(r"(\d{1,2}(?::\d\d)?)(?: o'clock)? in the (morning|afternoon|evening)", re.IGNORECASE)
_PAST = re.compile(r"(?:a )?(half|quarter|\d{1,2} minutes) (past|to) (\d{1,2})(?: o'clock)?", re.IGNORECASE)
_NAMED = {"noon": "24h:12:00:00", "midnight": "24h:0:00:00"}
_MONTHS = {
    name: number
    for number, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|october oct|"
        "november nov|december dec".split("|"),
        start=1,
    )
    for name in names.split()
}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_MONTH}\s*(?:the\s+)?(?P<day>\d{{1,2}})(?:(?:\s*,\s*|\s+)(?P<year>\d{{4}}))?",
        r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>[0-3]\d)",
        rf"(?:the\s+)?(?P<day>\d{{1,2}})\s*(?:of\s+)?{_MONTH}(?:(?:\s*,\s*|\s+)(?P<year>\d{{4}}))?",
    )
)


class Clock(NamedTuple):
    """key: of the time, "24h:" where the half of the day is known; certain: it is no ratio, as 12:30 may be.

    by_24_hours: the key of 09:30 if its zero says that; bare: the 5 of 5 o'clock.
    """

    key: str
    certain: bool
    by_24_hours: str | None = None
    bare: str | None = None


def _said(words: str) -> str:
    """ "half past 7" as 7:30, "8:45 in the morning" as 8:45 am."""
    found = _HALF.fullmatch(words)
    if found:
        return f"{found[1]} {'am' if found[2].lower() == 'morning' else 'pm'}"
    found = _PAST.fullmatch(words)
    if not found or int(found[3]) > 12:
        return words
    minutes, hour = {"half": 30, "quarter": 15}.get(found[1].lower()) or int(found[1][:2]), int(found[3])
    if found[2].lower() == "to":
        minutes, hour = 60 - minutes, (hour - 2) % 12 + 1
    return f"{hour}:{minutes:02}" if 0 < minutes < 60 else words


def clock(words: str) -> Clock | None:
    """The time that the whole text is; None for others. words: without \\text."""
    name = words.strip(" .").lower().removeprefix("12 ")
    if name in _NAMED:
        return Clock(_NAMED[name], certain=True, by_24_hours="clock:12:00:00" if name == "noon" else None)
    full = _FULL_HOUR.fullmatch(words.strip(" ."))
    if full:
        return Clock(f"clock:{int(full[1])}:00:00", certain=True, bare=str(int(full[1])))
    found = _CLOCK.fullmatch(said := _said(words))
    if not found or not (found[2] or found[4]):
        return None
    hour, minutes, seconds, half = int(found[1]), found[2] or "00", found[3] or "00", (found[4] or "").lower()
    if hour > 24 or minutes > "59" or seconds > "59":
        return None
    rest = f"{minutes}:{seconds}"
    if half:
        return Clock(f"24h:{hour % 12 + 12 * (half == 'p') if hour <= 12 else hour}:{rest}", certain=True)
    certain = minutes.startswith("0") or (found[3] or "").startswith("0")
    certain = certain or said != words
    if hour > 12 or hour == 0:
        return Clock(f"24h:{hour % 24}:{rest}", certain)
    return Clock(f"clock:{hour}:{rest}", certain, f"24h:{hour}:{rest}" if found[1].startswith("0") else None)


def date(words: str) -> str | None:
    """The key of a day of the year; None for other texts. words: without \\text and ordinals."""
    for pattern in _DATES:
        found = pattern.fullmatch(words.strip(" ."))
        if found:
            month = found["month"].lower()
            return f"date:{_MONTHS.get(month) or int(month)}-{int(found['day'])}-{found['year'] or ''}"
    return None
