"""Text from a model or a server, made safe to show: it is not trusted to leave a terminal alone."""

import unicodedata


def visible(text: str) -> str:
    """Escape characters that could move a cursor or hide text."""
    return "".join(
        char
        if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Cn")
        else f"\\u{ord(char):04x}"
        for char in text
    )
