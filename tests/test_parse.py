"""What a reply is read as: items of a list, instances, labels; and that no text is too odd."""

import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st

from selfinstruct import parse
from selfinstruct.parse import Item
from selfinstruct.task import Instance


def items(text: str, *, first: int = 9, truncated: bool = False) -> list[str]:
    """Return the texts of the items in a reply to "9."."""
    return [item.text for item in parse.listed_items(text, first=first, truncated=truncated)]


@pytest.mark.parametrize(
    "text",
    [
        " Name a colour.\n10. Name a fruit.\n11. Name a bird.",
        " Name a colour.\n10) Name a fruit.\n11 . Name a bird.",
        " Name a colour.\n  10: Name a fruit.\n\t11. Name a bird.  ",
        " Name a colour.\r\n10. Name a fruit.\r\n11. Name a bird.\r\n",
        " Name a colour.\n\n10. Name a fruit.\n\n11. Name a bird.",
        " Name a colour.\nTask 10: Name a fruit.\nTask 11: Name a bird.",
        " Name a colour.\n**10.** Name a fruit.\n**11.** Name a bird.",
        " **Name a colour.**\n10. **Name a fruit.**\n11. **Name a bird.**",
        "Name a colour.\n10、Name a fruit.\n11．Name a bird.",
        "Name a colour.\n10.Name a fruit.\n11.Name a bird.\n12.",
    ],
)
def test_the_ways_to_number_a_list(text: str) -> None:
    """The usual ways to number and space a list all read the same."""
    assert items(text) == ["Name a colour.", "Name a fruit.", "Name a bird."]


@pytest.mark.parametrize("text", ["", " \n ", "\n10.\n11.", "\n\n\n"])
def test_an_empty_item_is_none(text: str) -> None:
    """A reply without text has no items, however many numbers it has."""
    assert items(text) == []


def test_items_keep_case_and_inner_space() -> None:
    """An item is what the model wrote, without the white space at its ends."""
    text = " Report on NASA  and\tCOVID-19.\n10.   translate 'Hello'\n"
    assert items(text) == ["Report on NASA  and\tCOVID-19.", "translate 'Hello'"]


@pytest.mark.parametrize(
    "item",
    [
        "Put these in order:\n1. wash\n2. rinse\n3. dry",
        "Put these in order:\n- wash\n- rinse",
        "What was invented in 2020. Then say why.",
        "Is 10. a whole number?",
        "Convert these:\n10.5 km\n10:30 in the evening",
        "Continue the list:\n12. Leo\n13. Mia",
    ],
)
def test_a_number_inside_an_item_does_not_end_it(item: str) -> None:
    """Only the number that comes next, at the start of a line, begins a new item."""
    assert items(f" {item}\n10. Name a fruit.") == [item, "Name a fruit."]


def test_a_list_that_skips_a_number_is_one_item() -> None:
    """Numbers out of sequence are text: 9, 11, 12 is item 9 alone."""
    text = " Name a colour.\n11. Name a fruit.\n12. Name a bird."
    assert items(text) == ["Name a colour.\n11. Name a fruit.\n12. Name a bird."]


def test_an_empty_line_ends_the_list() -> None:
    """What follows an empty line and is not the next item is no part of the list."""
    text = " Name a colour.\n10. Name a fruit.\n\nLet me know if you need more!"
    assert items(text) == ["Name a colour.", "Name a fruit."]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("**Name a colour.**", "Name a colour."),
        ('"Name a colour."', "Name a colour."),
        ("\u201cName a colour.\u201d", "Name a colour."),
        ('**"Name a colour."**', "Name a colour."),
        ('Is "red" a colour?', 'Is "red" a colour?'),
        ('"Red" or "blue"', '"Red" or "blue"'),
        ("**Colours:** name one **now**", "**Colours:** name one **now**"),
        ('"', '"'),
        ("**", "**"),
    ],
)
def test_marks_around_a_whole_item_go(written: str, text: str) -> None:
    """Bold and quotes around the whole of an item are not part of it; those inside are."""
    assert items(written) == [text]


def test_the_last_item_of_a_broken_reply_is_truncated() -> None:
    """A reply that broke off broke off in its last item only."""
    found = parse.listed_items(" Name a colour.\n10. Name a fr", first=9, truncated=True)
    assert found == [Item("Name a colour."), Item("Name a fr", truncated=True)]


@pytest.mark.parametrize("end", ["\n10.", "\n10. ", "\n\nI hope that these t"])
def test_what_broke_off_after_the_last_item_leaves_it_whole(end: str) -> None:
    """An item is whole when the reply broke off after it: at the next number, or in a remark."""
    found = parse.listed_items(f" Name a colour.{end}", first=9, truncated=True)
    assert found == [Item("Name a colour.")]


@given(
    st.lists(
        st.lists(st.sampled_from(["Write", "a", "C++", "诗", "2020.", "10", "🙂"]), min_size=1).map(
            " ".join
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 200),
)
def test_a_rendered_list_is_read_back(texts: list[str], first: int) -> None:
    """Any list of one-line items that is written out with numbers is read as it was."""
    rest = "\n".join(f"{number}. {text}" for number, text in enumerate(texts, first))
    assert items(rest.removeprefix(f"{first}."), first=first) == texts


@given(strategies.texts.filter(lambda text: "\n" not in text))
def test_one_line_is_one_item(text: str) -> None:
    """A reply of one line has one item, whose text stands in the reply."""
    found = items(text)
    assert len(found) <= 1
    assert all(item in text for item in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Input: red\nOutput: rouge", [Instance("red", "rouge")]),
        ("Example 1\nInput: red\nOutput: rouge", [Instance("red", "rouge")]),
        (
            "Example 1\nInput: red\nOutput: rouge\n\nExample 2\nInput: blue\nOutput: bleu",
            [Instance("red", "rouge"), Instance("blue", "bleu")],
        ),
        ("Example 1.\nInput 1: red\nOutput 1: rouge", [Instance("red", "rouge")]),
        ("Example 1\nInput: (none)\nOutput: Hello.", [Instance("", "Hello.")]),
        ("Example 1\nInput: <noinput>\nOutput: Hello.", [Instance("", "Hello.")]),
        ("Example 1\nInput: N/A\nOutput: Hello.", [Instance("", "Hello.")]),
        ("Example 1\nOutput: Hello.", [Instance("", "Hello.")]),
        ("Input：红\nOutput：red", [Instance("红", "red")]),
        ("Input: 无\nOutput: 你好", [Instance("", "你好")]),
        (
            "Input: Paragraph: It rained.\n\nQuestion: Did it?\nOutput: Yes.\nIt did.",
            [Instance("Paragraph: It rained.\n\nQuestion: Did it?", "Yes.\nIt did.")],
        ),
        (
            "Input: red\nOutput: The label is Output: 3\nExamples follow. See Example 2 there.",
            [Instance("red", "The label is Output: 3\nExamples follow. See Example 2 there.")],
        ),
        ("Here is one for you.", []),
        ("", []),
    ],
)
def test_labelled_instances(text: str, expected: list[Instance]) -> None:
    """Labels count at the start of a line only; "(none)" and a missing input are empty."""
    assert parse.labelled_instances(text, truncated=False) == expected


def test_the_broken_instance_is_dropped() -> None:
    """Of a reply that broke off, what it broke off in is lost, and nothing before that."""
    whole = "Example 1\nInput: red\nOutput: rouge\nExample 2\nInput: "
    expected = [Instance("red", "rouge")]
    assert parse.labelled_instances(f"{whole}blue\nOutput: ble", truncated=True) == expected
    assert parse.labelled_instances(f"{whole}bl", truncated=True) == expected
    assert parse.labelled_instances("Input: red\nOutput: rou", truncated=True) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Class label: happy\nInput: I won!", [Instance("I won!", "happy")]),
        (
            "Class label: happy\nInput: I won!\nClass label: sad\nInput: I lost.",
            [Instance("I won!", "happy"), Instance("I lost.", "sad")],
        ),
        ("Class label: happy\nSentence: I won!", [Instance("Sentence: I won!", "happy")]),
        ('Class label: happy\nInput: "I won!"', [Instance("I won!", "happy")]),
        ("Class label: Yes", [Instance("", "Yes")]),
        ("Class label: Yes\nInput: (none)", [Instance("", "Yes")]),
        ("Class label：是\nInput：今天下雨。", [Instance("今天下雨。", "是")]),
        (
            "Class label: happy\nInput: They print Class label: on boxes.",
            [Instance("They print Class label: on boxes.", "happy")],
        ),
        ("happy", []),
    ],
)
def test_labelled_classes(text: str, expected: list[Instance]) -> None:
    """The label is one line, and all after it, to the next label, is the input."""
    assert parse.labelled_classes(text, truncated=False) == expected


def test_the_broken_class_is_dropped() -> None:
    """The last label of a reply that broke off is lost with its input."""
    text = "Class label: happy\nInput: I won!\nClass label: sad\nInput: I lo"
    assert parse.labelled_classes(text, truncated=True) == [Instance("I won!", "happy")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Yes", True),
        ("YES", True),
        ("Yes.", False),
        ("是", True),
        ("No", False),
        ("", False),
        ("Yes and no", False),
        ("Not yes", False),
    ],
)
def test_only_a_clear_yes_is_yes(text: str, *, expected: bool) -> None:
    """Anything but the one word is a no."""
    assert parse.is_yes(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>\nHm.\n</think>\n\nFour.", "Four."),
        ("<think></think>Four.", "Four."),
        ("Hm, two and two.\n</think>\n\nFour.", "Four."),
        ("<think>It never comes to an end", ""),
        ("Put it between <think> and </think>.", "Put it between <think> and </think>."),
        ("I think so.", "I think so."),
    ],
)
def test_what_a_model_thinks_first_is_no_answer(text: str, expected: str) -> None:
    """Thoughts that a reply begins with are left out; the words for them elsewhere are text."""
    assert parse.answer(text) == expected


def test_an_answer_loses_its_outer_space_only() -> None:
    """An output keeps every character between its ends."""
    assert parse.answer("\n  def f():\n\treturn 1  \n\n") == "def f():\n\treturn 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" List NASA's plans.\n10. translate it", ["List nasa's plans.", "Translate it"]),
        ("a  b\n\tc\n10 . d", ["A b c", "D"]),
        ("first\n10) second\n11.third", ["First 10) second 11.third"]),
        ("order:\n1. wash\n2. dry", ["Order:", "Wash", "Dry"]),
        ("  \n10. \n11. x", ["X"]),
        ("ßpiel", ["Sspiel"]),
        ("", []),
    ],
)
def test_paper_items(text: str, expected: list[str]) -> None:
    """A number with a dot and a space on a new line splits; white space and case are collapsed."""
    assert [item.text for item in parse.paper_items(text, truncated=False)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["Name a colour.", "Name a fruit."]', ["Name a colour.", "Name a fruit."]),
        ('Sure!\n```json\n["Name a colour."]\n```', ["Name a colour."]),
        ('[{"instruction": "Name a colour.", "input": ""}]', ["Name a colour."]),
        ('["Say \\"hi\\"\\nand go."]', ['Say "hi"\nand go.']),
        ('["写一首诗。", 3, null, {"x": 1}, "  ", "A ]"]', ["写一首诗。", "A ]"]),
        ('["Name a colour.", oops, "Name a fruit."]', ["Name a colour."]),
        ('["\\ud800"]', ["\ufffd"]),
        ("[]", []),
        ("Name a colour.", []),
        ("[" * 100_000, []),
    ],
)
def test_json_items(text: str, expected: list[str]) -> None:
    """A JSON array is read, whatever stands around it; what is no instruction is passed over."""
    assert [item.text for item in parse.json_items(text, truncated=False)] == expected


def test_json_items_of_a_broken_reply_are_kept_but_for_the_last() -> None:
    """An array that breaks off gives its whole items, and the cut one as truncated."""
    broken = '["Name a colour.", "Name a fru'
    found = [Item("Name a colour."), Item("Name a fru", truncated=True)]
    assert parse.json_items(broken, truncated=True) == found
    assert parse.json_items('["Name a colour."', truncated=True) == found[:1]


def test_paper_items_of_a_broken_reply_are_lost() -> None:
    """The published code throws away a reply that reached its length limit."""
    assert parse.paper_items(" Name a colour.\n10. Name a fruit.", truncated=True) == []


@given(text=strategies.replies, first=st.integers(-1, 10**6), truncated=st.booleans())
@example(text="Output" + " " * 20000, first=1, truncated=False)
@example(text="\n" * 20000, first=1, truncated=False)
@example(text="Example 1\n" * 2000 + "Input:" + "\t" * 20000, first=9, truncated=True)
@example(text="\ud800\n10. \udfff", first=9, truncated=True)
def test_any_text_can_be_read(text: str, first: int, *, truncated: bool) -> None:
    """No text raises an error, and no item or output is padded with white space."""
    for item in (
        *parse.listed_items(text, first=first, truncated=truncated),
        *parse.paper_items(text, truncated=truncated),
        *parse.json_items(text, truncated=truncated),
    ):
        assert item.text == item.text.strip() != ""
    for read in (
        parse.labelled_instances,
        parse.labelled_classes,
        parse.paper_instances,
        parse.paper_classes,
    ):
        for found in read(text, truncated=truncated):
            assert found.output == found.output.strip()
            assert found.input == found.input.strip()
    assert parse.is_yes(text) in {True, False}
    if "think>" not in text:
        assert parse.answer(text) == text.strip()


@given(strategies.replies)
def test_a_broken_reply_gives_one_instance_less_at_most(text: str) -> None:
    """Being cut off loses the last instance, and changes none of the others."""
    for read in (
        parse.labelled_instances,
        parse.labelled_classes,
        parse.paper_instances,
        parse.paper_classes,
    ):
        whole, cut = read(text, truncated=False), read(text, truncated=True)
        assert cut in (whole, whole[:-1])


def test_our_mark_for_no_input_is_no_input_in_paper_parsing_too() -> None:
    """Our few-shot prompts write "(none)", which the published code has no word for."""
    text = "Example 1\nInput: (none)\nOutput: Yes, it is."
    assert parse.paper_instances(text, truncated=False) == [Instance("", "Yes, it is.")]
    classes = parse.paper_classes("Class label: yes\nInput: (none)", truncated=False)
    assert classes == [Instance("", "yes")]
