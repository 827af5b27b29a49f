"""Pictures: valid, readable aloud, and nothing drawn that was not counted."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from publish.made import BREAKERS
from selfinstruct.publish.pictures import MOST, bins, pictures
from selfinstruct.publish.svg import WIDTH, Bar, Chart, bars
from selfinstruct.stats import Row, Spread, measure
from selfinstruct.task import clean

NAMES = st.one_of(st.sampled_from(BREAKERS), st.text(max_size=40)).map(clean)
SVG = "{http://www.w3.org/2000/svg}"


def row(label: str, proposed: int, accepted: int, rejected: dict[str, int]) -> Row:
    """Return a round."""
    return Row(
        label=label,
        proposed=proposed,
        accepted=accepted,
        tokens=1,
        seconds=0.0,
        rejected=rejected,
    )


@given(st.lists(st.tuples(NAMES, st.integers(0, 10**7)), max_size=8), NAMES)
def test_a_picture_is_xml_with_a_title_and_words(rows: list[tuple[str, int]], name: str) -> None:
    """Whatever labels hold, there are only shapes and texts, and every shape is inside."""
    drawn = bars(Chart(name, name), [Bar(label, count) for label, count in rows])
    tree = ET.fromstring(drawn)  # noqa: S314 (our own)
    found = {one.tag for one in tree.iter()}
    assert found <= {f"{SVG}{tag}" for tag in ("svg", "title", "desc", "style", "rect", "text")}
    assert tree.attrib["aria-labelledby"] == "title words"
    assert [one.attrib["id"] for one in tree[:2]] == ["title", "words"]
    for box in tree.iter(f"{SVG}rect"):
        assert float(box.attrib["x"]) >= 0
        assert float(box.attrib["x"]) + float(box.attrib["width"]) <= WIDTH


@given(
    st.dictionaries(st.integers(0, 500).map(float), st.integers(1, 50), min_size=1),
    st.sampled_from([0.0, 5.0]),
)
def test_bins_hold_every_number(counts: dict[float, int], width: float) -> None:
    """Each number is in one bin: none is lost, the longest ones neither."""
    found = bins(Spread(tuple(sorted(counts.items()))), width)
    assert sum(one.value for one in found) == sum(counts.values())


def test_many_rounds_and_reasons_fit() -> None:
    """Neighbouring rounds are drawn as one, and rare reasons as one bar: no count is lost."""
    reasons = {f"rule_{n}": 100 - n for n in range(50)}
    rounds = [row(str(n), 10, 4, {}) for n in range(1, 1001)]
    found = {one.file: one for one in pictures([*rounds, row("all", 10**4, 4000, reasons)],
                                               measure([]))}  # fmt: skip
    assert "1-25: 100 of 250" in found["yield.svg"].words
    assert found["yield.svg"].svg.count('class="one"') == 40
    assert found["rejects.svg"].svg.count('class="one"') == MOST + 1
    assert f"{50 - MOST} others {sum(reasons.values()) - sum(range(81, 101))}" in (
        found["rejects.svg"].words
    )
