"""Recipes: what ships loads, what is wrong is refused with its place, and digests tell apart."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from selfinstruct.errors import InputError
from selfinstruct.recipe import Recipe, load_recipe
from selfinstruct.resources import data_dir, recipe_file
from selfinstruct.rules import FirstCharacter, Unfinished, WordCount, scope

Edit = Callable[[str, str], Path]

PLACEHOLDERS = '{ file = "words/en-placeholders.txt" }'
"""A list of regular expressions in the default recipe."""


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """Return a way to write the default recipe with one passage replaced."""

    def write(old: str, new: str) -> Path:
        text = recipe_file("default").read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "mine.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return write


def shipped() -> list[str]:
    """Return the names of the recipes that ship."""
    return sorted(path.stem for path in data_dir("filters").glob("*.toml"))


def test_two_recipes_ship() -> None:
    """There is the published loop, and the one that mends it."""
    assert {"default", "self-instruct"} <= set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_recipe_loads(name: str) -> None:
    """A recipe is called what its file is called, says what it is, and judges all there is."""
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    assert all(recipe.rules(what) for what in ("instruction", "instance", "task"))
    assert 0 < recipe.novelty.max_similarity < 1


@pytest.mark.parametrize("name", shipped())
def test_a_recipe_loads_by_name_and_by_path(name: str) -> None:
    """The path of a shipped recipe gives the same recipe as its name."""
    assert load_recipe(str(recipe_file(name))) == load_recipe(name)


def test_the_published_numbers() -> None:
    """The published loop shows 8 tasks, 2 of them grown, and refuses above 0.7 of ROUGE-L."""
    recipe = load_recipe("self-instruct")
    assert (recipe.propose.in_context, recipe.propose.grown, recipe.propose.parse) == (
        8,
        2,
        "paper",
    )
    assert (recipe.propose.sampling.temperature, recipe.propose.sampling.top_p) == (0.7, 0.5)
    assert recipe.propose.sampling.presence_penalty == 2
    assert (recipe.classify.yes, recipe.classify.no) == (12, 19)
    assert (recipe.instances.max_instances, recipe.instances.parse) == (5, "paper")
    assert (recipe.novelty.tokens, recipe.novelty.max_similarity) == ("rouge-score", 0.7)


def test_rules_keep_their_order_within_what_they_judge() -> None:
    """Each rule judges drafts, single instances or whole tasks, in the order of the file."""
    recipe = load_recipe("default")
    rules = recipe.rule
    drafts = recipe.rules("instruction")
    assert drafts == tuple(rule for rule in rules if scope(rule) == "instruction")
    assert recipe.rules("instance") == tuple(rule for rule in rules if scope(rule) == "instance")
    assert recipe.rules("task") == tuple(rule for rule in rules if scope(rule) == "task")
    assert len(rules) > len(drafts) > 1


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("in_context = 8", "in_contxt = 8", "$.propose", "in_contxt"),
        ("min = 4", "mni = 4", "$.rule[2]", "mni"),
        ('kind = "word_count"', 'kind = "wrod_count"', "$.rule[2].kind", "'wrod_count'"),
        ('kind = "word_count"\n', "", "$.rule[2]", "kind"),
        ('field = "instruction"', 'field = "instructions"', "$.rule[0].field", "'instructions'"),
        ('tokens = "unicode"', 'tokens = "bpe"', "$.novelty.tokens", "'bpe'"),
        ("grown = 2", 'grown = "2"', "$.propose.grown", "`str`"),
        ("grown = 2", "grown = 2.5", "$.propose.grown", "`float`"),
        ("min = 4", "min = [4]", "$.rule[2].min", "`array`"),
        ('name = "default"', "name = 1", "$.name", "`int`"),
        ("max_similarity = 0.7", "", "$.novelty", "max_similarity"),
        (PLACEHOLDERS, "['(']", "$.rule[", "'('"),
        ("temperature = 0.55", "temprature = 0.55", "$.propose.sampling", "temprature"),
    ],
)
def test_a_fault_is_named_with_file_and_place(
    edited: Edit, old: str, new: str, place: str, what: str
) -> None:
    """What is unknown, missing or of the wrong type is refused, saying where and what it is."""
    path = edited(old, new)
    with pytest.raises(InputError) as caught:
        load_recipe(str(path))
    message = str(caught.value)
    assert str(path) in message
    assert place in message
    assert what in message
    assert caught.value.hint
    assert "\n" not in message


def test_an_unknown_name_at_the_top_is_refused(edited: Edit) -> None:
    """A table or field that no recipe has is refused, not ignored."""
    path = edited("[propose]", "[proposal]\nnew = 1\n\n[propose]")
    with pytest.raises(InputError, match="unknown field `proposal`"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("old", "new", "suggestion"),
    [
        ('kind = "task_form"', 'kind = "task_from"', "did you mean 'task_form'?"),
        ("en-openers.txt", "en-opener.txt", "did you mean 'words/en-openers.txt'?"),
    ],
)
def test_a_near_miss_is_met_with_a_suggestion(
    edited: Edit, old: str, new: str, suggestion: str
) -> None:
    """For an unknown rule or word list the closest one is named."""
    path = edited(old, new)
    with pytest.raises(InputError) as caught:
        load_recipe(str(path))
    assert suggestion in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("given", ["defualt", "Default", "self_instruct"])
def test_an_unknown_recipe_is_met_with_those_that_ship(given: str) -> None:
    """An unknown name is refused with the closest one and with all there are."""
    with pytest.raises(InputError, match=r"unknown recipe .*; did you mean") as caught:
        load_recipe(given)
    assert all(name in caught.value.hint for name in shipped())


@pytest.mark.parametrize("given", ["nowhere.toml", "no/where", "no/where.toml"])
def test_a_path_to_nothing_is_refused(given: str) -> None:
    """What looks like a path is not looked up as a name."""
    with pytest.raises(InputError, match="no such recipe file"):
        load_recipe(given)


@pytest.mark.parametrize("content", [b"[[", b"name = ", b'{"name": "json"}'])
def test_what_is_not_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no TOML, or no UTF-8, is refused by name."""
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not TOML") as caught:
        load_recipe(str(path))
    assert str(path) in str(caught.value)


def test_an_empty_file_is_no_recipe(tmp_path: Path) -> None:
    """Nothing that a recipe must say is filled in silently."""
    path = tmp_path / "mine.toml"
    path.write_bytes(b"")
    with pytest.raises(InputError, match="missing required field"):
        load_recipe(str(path))


@pytest.mark.parametrize("field", ["cues", "input_cues", "input_present"])
def test_a_cue_that_is_no_regular_expression_is_refused(tmp_path: Path, field: str) -> None:
    """A pattern that does not compile is found while the recipe is read, wherever it stands."""
    lines = recipe_file("default").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith(f"{field} =") for line in lines)
    path = tmp_path / "mine.toml"
    path.write_text(
        "\n".join(f"{field} = ['(']" if line.startswith(f"{field} =") else line for line in lines),
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="not a regular expression"):
        load_recipe(str(path))


def test_a_word_list_that_is_not_utf8_is_refused(edited: Edit, tmp_path: Path) -> None:
    """A word list is text like the recipe itself; another encoding is refused by name."""
    (tmp_path / "latin1.txt").write_bytes("préparer\n".encode("latin-1"))
    path = edited("words/en-openers.txt", "latin1.txt")
    with pytest.raises(InputError, match=r"latin1\.txt"):
        load_recipe(str(path))


def test_a_word_list_lies_beside_the_recipe_or_ships(edited: Edit, tmp_path: Path) -> None:
    """A list beside the recipe comes before the one that ships; comments and blanks are none."""
    path = edited("min = 4", "min = 4")
    assert load_recipe(str(path)) == load_recipe("default")
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "en-leads.txt").write_text(
        "# how to begin\n\n  Sing about  \nHum\n", encoding="utf-8"
    )
    assert load_recipe(str(path)).propose.leads == ("Sing about", "Hum")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "default"', 'name = "mine"'),
        ('language = "en"', 'language = "de"'),
        ("in_context = 8", "in_context = 7"),
        ("temperature = 0.55", "temperature = 0.56"),
        ('"\\n\\n", "\\n"', '"\\n"'),
        ("yes = 6", "yes = 5"),
        ('style = "auto"', 'style = "few-shot"'),
        ('tokens = "unicode"', 'tokens = "rouge-score"'),
        ("max_similarity = 0.7", "max_similarity = 0.70001"),
        ("min = 4", "min = 5"),
        ('name = "not_a_task"\n', ""),
        ("min_share = 0.9", "min_share = 0.95"),
        ('["which", "who"', '["who", "which"'),
        ('[[rule]]\nkind = "not_empty"\nfield = "instruction"\n', ""),
        ("words/en-openers.txt", "words/en-statements.txt"),
    ],
)
def test_the_digest_changes_with_anything(edited: Edit, old: str, new: str) -> None:
    """Whatever can change what grows changes the digest."""
    changed = load_recipe(str(edited(old, new)))
    assert changed.digest() != load_recipe("default").digest()


def test_the_digest_changes_with_a_word_list(edited: Edit, tmp_path: Path) -> None:
    """A word list belongs to the recipe: another entry is another digest."""
    path = edited("min = 4", "min = 4")
    before = load_recipe(str(path)).digest()
    shipped_list = data_dir("filters") / "words" / "en-openers.txt"
    (tmp_path / "words").mkdir()
    mine = tmp_path / "words" / "en-openers.txt"
    mine.write_bytes(shipped_list.read_bytes() + b"# a remark\n\n")
    assert load_recipe(str(path)).digest() == before
    mine.write_bytes(shipped_list.read_bytes() + b"yodel\n")
    assert load_recipe(str(path)).digest() != before


def test_the_digest_is_of_what_is_said_not_how(edited: Edit) -> None:
    """Comments, spacing and the file's place change nothing."""
    path = edited("min = 4", "min  =  4  # words")
    assert load_recipe(str(path)).digest() == load_recipe("default").digest()


@pytest.mark.parametrize("name", shipped())
def test_every_rule_counts_in_the_digest(name: str) -> None:
    """A recipe without one of its rules, or with its rules in another order, is another one."""
    recipe: Recipe = load_recipe(name)
    digests = {recipe.digest()}
    for place in range(len(recipe.rule)):
        fewer = recipe.rule[:place] + recipe.rule[place + 1 :]
        digests.add(msgspec.structs.replace(recipe, rule=fewer).digest())
    turned = msgspec.structs.replace(recipe, rule=recipe.rule[::-1])
    more = msgspec.structs.replace(
        recipe, rule=(*recipe.rule, WordCount(field="instruction", max=9))
    )
    digests |= {turned.digest(), more.digest()}
    assert len(digests) == len(recipe.rule) + 3


def test_a_recipe_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """A recipe in another encoding is refused by name."""
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        load_recipe(str(path))


def extending(folder: Path, text: str) -> Recipe:
    """Read a recipe of one's own that extends another."""
    path = folder / "mine.toml"
    path.write_text(f'name = "mine"\nlanguage = "en"\n{text}', encoding="utf-8")
    return load_recipe(str(path))


def test_a_recipe_inherits_what_it_does_not_say(tmp_path: Path) -> None:
    """Tables are joined setting by setting, and rules come after those that are inherited."""
    default = load_recipe("default")
    mine = extending(
        tmp_path,
        'extends = "default"\n[propose]\nshare = 3\n'
        '[[rule]]\nkind = "banned_end"\nname = "loud"\nfield = "output"\nends = ["!!!"]\n',
    )
    assert mine.propose == msgspec.structs.replace(default.propose, share=3)
    assert (mine.name, mine.classify, mine.instances) == (
        "mine",
        default.classify,
        default.instances,
    )
    assert mine.rule[:-1] == default.rule
    assert mine.rule[-1].name == "loud"


def test_a_rule_takes_the_place_of_its_like(tmp_path: Path) -> None:
    """A rule of the same kind, name and field stands where the inherited one stood."""
    default = load_recipe("default")
    mine = extending(
        tmp_path,
        'extends = "default"\n'
        '[[rule]]\nkind = "first_character"\nfield = "instruction"\nascii = true\n',
    )
    changed = [place for place, rule in enumerate(mine.rule) if rule != default.rule[place]]
    assert len(mine.rule) == len(default.rule)
    assert [mine.rule[place] for place in changed] == [
        FirstCharacter(field="instruction", ascii=True)
    ]


def test_rules_can_be_left_out_by_name(tmp_path: Path) -> None:
    """All inherited rules of a name go, and no others; an unknown name is an error."""
    mine = extending(tmp_path, 'extends = "default"\nwithout = ["unfinished", "word_count"]\n')
    kept = [
        rule
        for rule in load_recipe("default").rule
        if rule.name != "unfinished" and not isinstance(rule, Unfinished | WordCount)
    ]
    assert list(mine.rule) == kept
    with pytest.raises(InputError, match="did you mean 'unfinished'"):
        extending(tmp_path, 'extends = "default"\nwithout = ["unfinishd"]\n')


def test_a_recipe_can_extend_one_that_extends_another(tmp_path: Path) -> None:
    """Files are found beside the one that names them; those that extend each other are refused."""
    (tmp_path / "middle.toml").write_text(
        'name = "middle"\nlanguage = "en"\nextends = "strict"\n[novelty]\nmax_similarity = 0.5\n'
    )
    mine = extending(tmp_path, 'extends = "middle.toml"\n')
    assert mine.rule == load_recipe("strict").rule
    assert mine.novelty.max_similarity == 0.5
    (tmp_path / "middle.toml").write_text(
        'name = "m"\nlanguage = "en"\nextends = "mine.toml"\n', encoding="utf-8"
    )
    with pytest.raises(InputError, match="which extends it"):
        load_recipe(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("extends = 3\n", "expected a name or a file"),
        ('without = ["unfinished"]\n', "leaves out rules of a recipe that is extended"),
        ('extends = "default"\nwithout = "unfinished"\n', "expected a list of names"),
        ('extends = "defualt"\n', "did you mean 'default'"),
        ('extends = "nowhere.toml"\n', "no such recipe file"),
        ('extends = "default"\nrule = [1]\n', "rule"),
    ],
)
def test_what_extends_badly_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    """A recipe that inherits from nothing, or leaves out what is not there, says so."""
    with pytest.raises(InputError, match=fault):
        extending(tmp_path, text)
