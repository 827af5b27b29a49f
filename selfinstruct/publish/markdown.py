"""Texts of a model or a user inside Markdown and YAML, where nothing they hold takes effect.

Decides: how such a text is quoted: in a code span, a code block, or a quoted scalar. Nothing in
these is a link, HTML, or the end of a table. Does not know: what a text says.
"""

import re

from selfinstruct.visible import visible

_PLAIN = re.compile(r"[a-z][a-z0-9_./-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
"""What YAML 1.1 takes for something else than text."""


def cut(text: str, width: int) -> str:
    """Return a text of at most `width` characters; "…" says that there were more."""
    return text if len(text) <= width else text[: width - 1] + "\u2026"


def code(text: str, width: int = 200) -> str:
    """Return a text as a code span of one line, for table cells too; "" for none.

    A bar ends a cell even in a code span, however it is escaped where a backslash stands before
    it: so it is written as its code.
    """
    line = " ".join(visible(cut(text, width)).split()).replace("|", "\\u007c")
    if not line:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def block(text: str, width: int) -> str:
    """Return a text as a fenced code block whose fence it cannot close."""
    shown = visible(cut(text, width)).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    runs = [len(run) for run in re.findall("`+", shown)]
    fence = "`" * max(3, 1 + max(runs, default=0))
    return f"{fence}text\n{shown}\n{fence}"


def scalar(text: str) -> str:
    """Return a text as YAML: plain where it can be nothing else, else quoted, in ASCII."""
    if _PLAIN.fullmatch(text) and text not in _WORDS:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if " " <= char <= "~" else f"\\U{ord(char):08x}"


def slug(text: str) -> str:
    """Return a text as a tag: lower-case letters and digits of ASCII, with dashes and dots."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower())[:60].strip("-.")
