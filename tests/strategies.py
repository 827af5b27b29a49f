"""Hypothesis strategies that several test files share.

Words come from a small vocabulary, so that texts overlap as instructions do. Importing this
takes the deadline off all properties: how long one example takes depends on the machine.
"""

from hypothesis import settings
from hypothesis import strategies as st

from selfinstruct.task import Instance, Origin, Task, new_task

settings.register_profile("any-machine", settings(), deadline=None)
settings.load_profile("any-machine")

WORDS = (
    *("write", "a", "poem", "about", "the", "sea", "Sea", "list", "three", "ways", "to", "cook"),
    *("C++", "C#", "3.5", "1,000", "don't", "50%", "-4", "e-mail", "naïve", "café", "Straße"),
    *(
        "写一首",
        "关于",
        "大海",
        "的诗",
        "नमस्ते",
        "दुनिया",
        "สวัสดี",
        "ที่นี่",
        "여름",
        "Привет",
        "🙂",
        "👍🏽",
    ),
)
"""Latin, accented, Han, Hindi, Thai, Korean and Cyrillic words, numbers, symbols, emoji."""

SYMBOLS = "+-*/=<>%$#@&€→√π🙂🎉☕👍🏽"

SEPARATORS = (" ", "\n", ", ", ". ", ": ", "  ", "\u3000", "，")

words = st.sampled_from(WORDS)

sentences = st.lists(words, max_size=12).map(" ".join)
"""Texts that share words with one another; the empty text among them."""

written = st.lists(st.tuples(words, st.sampled_from(SEPARATORS)), max_size=12).map(
    lambda pairs: "".join(word + separator for word, separator in pairs)
)
"""Sentences with punctuation, newlines and full-width separators between the words."""

ascii_text = st.text(st.characters(max_codepoint=0x7F), max_size=60)
han_text = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=30)
accented_text = st.text(
    st.characters(min_codepoint=0xC0, max_codepoint=0x24F, categories=["L"]), max_size=30
)
symbol_text = st.text(st.sampled_from(SYMBOLS), max_size=12)
any_text = st.text(st.characters(exclude_categories=()), max_size=60)
"""Every code point, control characters and lone surrogates included."""

texts = st.one_of(sentences, written, ascii_text, han_text, accented_text, symbol_text, any_text)

_MARKS = (
    *("\n", "\n\n", "\n9. ", "\n10. ", "\n11) ", "\nTask 10: ", "\n**10.** ", "\n10、", "\n1. "),
    *("Input:", "\nInput: ", "\nInput 2:", "Output:", "\nOutput: ", "\nOutput 1:", "\n\n\n"),
    *("Example 1\n", "\nExample 2\n", "Examples", "Class label:", "\nClass label: ", "(none)"),
    *("**", '"', "\u201c", "\u201d", ":", "："),
)

replies = st.lists(st.one_of(st.sampled_from(_MARKS), words, any_text), max_size=16).map("".join)
"""What a model may write: marks of lists and instances in any order, with any text between."""

instances = st.builds(Instance, input=texts, output=texts)

tasks: st.SearchStrategy[Task] = st.builds(
    new_task,
    texts,
    origin=st.just(Origin(kind="generated", round=1)),
    language=st.sampled_from(("en", "zh")),
    instances=st.lists(instances, max_size=3).map(tuple),
    is_classification=st.sampled_from((None, False, True)),
)
