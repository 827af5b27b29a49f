"""What each rule refuses and keeps, and what the default recipe makes of real-looking tasks."""

import pytest
import strategies
from hypothesis import given

from selfinstruct import rules
from selfinstruct.novelty import RougeL
from selfinstruct.recipe import Recipe, load_recipe
from selfinstruct.rules import Rejection, Rule, scope
from selfinstruct.sift import Kept, Rejected, judge, sift, sift_instances
from selfinstruct.task import Instance, Origin, Task, new_task

GENERATED = Origin(kind="generated")


def task(
    instruction: str = "Describe the weather.",
    *instances: tuple[str, str],
    is_classification: bool | None = None,
) -> Task:
    """Return a task with (input, output) instances."""
    return new_task(
        instruction,
        origin=GENERATED,
        language="en",
        instances=tuple(Instance(*pair) for pair in instances),
        is_classification=is_classification,
    )


def keeps(rule: Rule, instruction: str) -> bool:
    """Say whether a rule on the instruction keeps it."""
    return rule(task(instruction)) is None


def keeps_output(rule: Rule, output: str, *, given: str = "") -> bool:
    """Say whether a rule on instances keeps this output."""
    return rule(task("Describe the weather.", (given, output))) is None


def test_a_refusal_names_the_rule_and_what_it_saw() -> None:
    """A rule is called by its own name in reports if it has one, else by its kind."""
    rule = rules.BannedWords(field="instruction", words=("map",))
    refused = task("Read the map aloud.")
    assert rule(refused) == Rejection("banned_words", "contains 'map'")
    named = rules.BannedWords(name="beyond_text", field="instruction", words=("map",))
    assert named(refused) == Rejection("beyond_text", "contains 'map'")


def test_rules_say_what_they_judge() -> None:
    """A rule is about a draft, about one instance, or about all instances of a task."""
    assert scope(rules.NotEmpty(field="instruction")) == "instruction"
    assert scope(rules.NotEmpty(field="input")) == "instance"
    assert scope(rules.NotEmpty(field="output")) == "instance"
    assert scope(rules.InputIsOutput()) == "instance"
    assert scope(rules.Label()) == "instance"
    assert scope(rules.ConflictingOutputs()) == "task"


def test_a_draft_passes_what_is_about_instances() -> None:
    """A task without instances has nothing wrong with them."""
    recipe = load_recipe("default")
    assert all(rule(task()) is None for rule in (*recipe.rules("instance"), *recipe.rules("task")))


def test_word_count_counts_words_or_tokens() -> None:
    """Words are separated by white space; tokens count where there is none."""
    by_words = rules.WordCount(field="instruction", min=2, max=3)
    assert [keeps(by_words, text) for text in ("a", "a b", "a b c", "a b c d")] == [
        *(False, True, True, False)
    ]
    by_tokens = rules.WordCount(field="instruction", min=4, max=6, unit="tokens")
    assert not keeps(by_words, "写一首诗")
    assert keeps(by_tokens, "写一首诗。")
    assert not keeps(by_tokens, "写诗")


def test_banned_words_stand_alone() -> None:
    """A banned word counts as a whole word in any case, unless a harmless phrase holds it."""
    rule = rules.BannedWords(field="instruction", words=("plot", "go to"), unless=("plot of",))
    assert not keeps(rule, "PLOT the data")
    assert not keeps(rule, "Go to bed")
    assert keeps(rule, "Tell the Plot of Hamlet")
    assert keeps(rule, "Find a plotter")
    assert not keeps(rule, "Plot the plot of Hamlet")


@pytest.mark.parametrize("text", ["", " ", "Draw a map: now!", "写一首诗。"])
def test_an_empty_word_list_refuses_nothing(text: str) -> None:
    """Without words nothing is banned, and nothing opens a request."""
    assert keeps(rules.BannedWords(field="instruction", words=()), text)
    assert not keeps(rules.TaskForm(field="instruction", openers=()), text)


def test_banned_start_is_as_written() -> None:
    """A start counts in its own case, unless case is to be ignored."""
    rule = rules.BannedStart(field="instruction", starts=("Write a program",))
    assert not keeps(rule, "Write a program now")
    assert keeps(rule, "write a program now")
    assert keeps(rule, "Now write: Write a program")
    folded = rules.BannedStart(field="instruction", starts=("Write a",), ignore_case=True)
    assert not keeps(folded, "WRITE A poem")


def test_banned_end_looks_before_the_last_space() -> None:
    """White space after the end does not hide it."""
    rule = rules.BannedEnd(field="output", ends=(":", "..."))
    assert not keeps_output(rule, "It is: \n")
    assert not keeps_output(rule, "And then...")
    assert keeps_output(rule, "03:29")


def test_banned_pattern_is_found_anywhere() -> None:
    """A regular expression is searched in the whole text; a broken one cannot be declared."""
    rule = rules.BannedPattern(field="output", patterns=(r"(?i)\bas an ai\b", "x{3}"))
    assert not keeps_output(rule, "Well, as an AI I cannot.")
    assert not keeps_output(rule, "axxxb")
    assert keeps_output(rule, "As an aim, it is fine.")
    with pytest.raises(ValueError, match="not a regular expression"):
        rules.BannedPattern(field="output", patterns=("(",))


def test_first_character_is_no_punctuation() -> None:
    """ASCII punctuation cannot come first; other scripts can, unless `ascii` asks otherwise."""
    rule = rules.FirstCharacter(field="instruction")
    published = rules.FirstCharacter(field="instruction", ascii=True)
    assert not keeps(rule, "- Name a colour")
    assert not keeps(rule, "_name")
    assert keeps(rule, "写诗")
    assert not keeps(published, "写诗")
    assert keeps(rule, "")


def test_not_empty_is_not_blank() -> None:
    """White space of any kind is nothing."""
    rule = rules.NotEmpty(field="output")
    assert not keeps_output(rule, "")
    assert not keeps_output(rule, " \n\u3000")
    assert keeps_output(rule, "0")


def test_task_form_keeps_what_asks_for_something() -> None:
    """A question passes, and so does any sentence or part of one that starts with an opener."""
    rule = rules.TaskForm(field="instruction", openers=("write", "come up with", "name"))
    assert keeps(rule, "Write a poem.")
    assert keeps(rule, '"Write" a poem.')
    assert keeps(rule, "Come up with a name.")
    assert keeps(rule, "It rained all day. Name a game for indoors.")
    assert keeps(rule, "For a child of six, please name a game.")
    assert keeps(rule, "The sky is blue. Is it?")
    assert keeps(rule, "现在几点？")
    assert not keeps(rule, "Writers come and go.")
    assert not keeps(rule, "The poem that I write is long.")


def test_task_form_refuses_statements_to_the_end_of_their_sentence() -> None:
    """What follows a statement's start in its sentence asks nothing; the next sentence may."""
    rule = rules.TaskForm(field="instruction", openers=("write",), never=("there are", "i was"))
    assert not keeps(rule, "There are days when I rest, write and sing.")
    assert not keeps(rule, "I was told: write a poem.")
    assert not keeps(rule, "There are two. I was there.")
    assert keeps(rule, "There are 24 eggs in a box. How many are left after 5 are eaten?")
    assert keeps(rule, "I was late today. Write an apology to my teacher.")
    assert "a statement" in str(rule(task("There are days.")))
    assert "asks for nothing" in str(rule(task("Some days are long.")))


@pytest.mark.parametrize(
    "text",
    ["Bread, butter,", "Bread;", "Bread (", "Bread -", 'He said "no', "Bread (rye", "Bread and"],
)
def test_unfinished_texts(text: str) -> None:
    """A text that ends in the middle of something is unfinished."""
    assert not keeps_output(rules.Unfinished(field="output", words=("and", "a")), text)


@pytest.mark.parametrize(
    "text",
    ["Bread.", 'He said "no".', "1) Bread 2) Butter", "Bread (rye)", "Vitamin A", "sand", "A", ""],
)
def test_finished_texts(text: str) -> None:
    """Closed marks, numbered points, and capitals that are names are ends."""
    assert keeps_output(rules.Unfinished(field="output", words=("and", "a")), text)


def test_repetition_counts_runs_that_came_before() -> None:
    """A text that goes in circles is refused; a short one and a refrain are not."""
    rule = rules.Repetition(field="output", max_share=0.2, run=3, min_tokens=8)
    assert not keeps_output(rule, "the sea is blue " * 5)
    assert not keeps_output(rule, "海很蓝天很蓝" * 4)
    assert keeps_output(rule, "go go go go go")
    verse = "the sea is blue and wide and old, the sea is deep and full of gold and sand and stone"
    assert keeps_output(rule, verse)


def test_copies_are_refused_in_either_size() -> None:
    """An output that is its input again is refused, changed a little or inside more text."""
    rule = rules.Copies(field="output", of="input", max_similarity=0.8)
    source = "the old bridge was built by the monks in the year of the great flood"
    assert not keeps_output(rule, source.upper() + "!", given=source)
    assert not keeps_output(rule, source.replace("monks", "nuns"), given=source)
    assert not keeps_output(rule, f"here it is now once more for you: {source}", given=source)
    assert keeps_output(rule, "Monks built it.", given=source)
    assert keeps_output(rule, "anything", given="")


def test_script_counts_letters_only() -> None:
    """The share is of letters; digits and punctuation belong to every script."""
    rule = rules.Script(field="output", scripts=("CJK",), min_share=0.5)
    assert keeps_output(rule, "用Python写一首关于大海的诗")
    assert keeps_output(rule, "3.14 + 2 = 5.14!")
    assert not keeps_output(rule, "用 Python and nothing else")
    either = rules.Script(field="output", scripts=("LATIN", "CYRILLIC"), min_share=1)
    assert keeps_output(either, "naïve Привет")


@pytest.mark.parametrize("char", ["\0", "\x07", "\x1b", "\x7f", "\x85", "\ufffd"])
def test_control_characters_are_refused(char: str) -> None:
    """Characters that no text holds are refused and named; tab and newline are text."""
    rule = rules.ControlCharacters(field="output")
    found = rule(task("Describe the weather.", ("", f"It{char} rains")))
    assert found
    assert f"U+{ord(char):04X}" in found.detail
    assert keeps_output(rule, "It\trains\r\nin 🏴󠁧󠁢󠁳󠁣󠁴󠁿.")


def test_prompt_echo_ignores_case() -> None:
    """A line of the prompt inside a text is an echo, whatever its case."""
    rule = rules.PromptEcho(field="output", phrases=("Come up with tasks",))
    assert not keeps_output(rule, "COME UP WITH TASKS:\n1.")
    assert keeps_output(rule, "Come up with a task")
    assert keeps_output(rules.PromptEcho(field="output"), "anything")


def test_input_is_output() -> None:
    """An output that is the input to the letter is refused, white space at the ends aside."""
    rule = rules.InputIsOutput()
    assert not keeps_output(rule, "echo\n", given=" echo")
    assert keeps_output(rule, "Echo", given="echo")


def test_a_label_is_named_by_the_instruction() -> None:
    """Classification answers with a label that the instruction names; other tasks answer freely."""
    rule = rules.Label(also=("yes", "no"))
    instruction = "Is the mood happy, very sad, or C++?"

    def keeps_label(output: str, *, is_classification: bool | None = True) -> bool:
        given = task(instruction, ("", output), is_classification=is_classification)
        return rule(given) is None

    assert keeps_label("Happy")
    assert keeps_label("very sad.")
    assert keeps_label("C++")
    assert keeps_label("Yes.")
    assert not keeps_label("C#")
    assert not keeps_label("angry")
    assert not keeps_label("is the mood happy or sad")
    assert keeps_label("angry", is_classification=False)
    assert keeps_label("angry", is_classification=None)


def test_conflicting_outputs() -> None:
    """One input cannot have two outputs, unless it is empty."""
    rule = rules.ConflictingOutputs()
    assert rule(task("Translate.", ("red", "rouge"), ("red", "rojo")))
    assert rule(task("Translate.", ("red", "rouge"), ("blue", "bleu"), ("red", "rojo")))
    assert not rule(task("Translate.", ("red", "rouge"), ("blue", "rouge")))
    assert not rule(task("Name a colour.", ("", "red"), ("", "blue")))


RECIPES = {name: load_recipe(name) for name in ("default", "self-instruct")}


@pytest.mark.parametrize("name", sorted(RECIPES))
@given(draft=strategies.tasks)
def test_rules_judge_any_task_and_change_none(name: str, draft: Task) -> None:
    """No text makes a rule fail, a refusal has a reason, and asking twice gives the same."""
    for rule in RECIPES[name].rule:
        verdict = rule(draft)
        assert verdict == rule(draft)
        assert verdict is None or (verdict.rule and verdict.detail)


GOOD = (
    "Write a short story about a lighthouse keeper who befriends a storm.",
    "Explain why bread rises, in words that a child understands.",
    "What is the difference between a simile and a metaphor?",
    "My neighbour's dog barks all night. Suggest three polite ways to bring it up.",
    "Summarise the plot of Romeo and Juliet in two sentences.",
    "Translate the sentence below into French: The train is late again.",
    "Write a function in C++ that reverses a string.",
    "Classify the review as positive or negative.",
    "If a train travels 120 km in 1.5 hours, what is its average speed?",
    "There are 24 apples in a crate. How many crates hold 120 apples?",
    "I was given too much change. Write a note to the shop about it.",
    "Create a plot twist for a detective novel set in Iceland.",
    "Is the following statement true or false? Water boils at 90 °C at sea level.",
    "Please recommend a café for a quiet first date in Zürich.",
    "I need a toast for my sister's wedding; keep it under a minute.",
    "Arrange these words alphabetically: pear, apple, fig, date.",
    "Convert 3.5 miles to kilometres and show each step.",
    "Given the numbers 3, 9 and 12, find their mean.",
    'List five words that rhyme with "light".',
    "Pretend you are a medieval baker and describe a morning at work.",
    "Explain what the Chinese word 你好 means.",
    "Make a packing list for a week of hiking (no tent).",
    "Which is heavier: a kilogram of feathers or a kilogram of iron?",
)

BAD = (
    ("", "not_empty"),
    (" \n\u3000", "not_empty"),
    ("Write a\x07 poem about the rain.", "control_characters"),
    ("Write a \ufffdpoem about the rain.", "control_characters"),
    ("Write a poem", "word_count"),
    ("Write " + "very " * 59 + "much.", "word_count"),
    ("Напишите короткое стихотворение о дожде.", "wrong_script"),
    ("写 一首 关于 大海 的 诗。", "wrong_script"),
    ("(Optional) Write a poem about rain.", "first_character"),
    ("- Write a poem about rain.", "first_character"),
    ("Write a list of different tasks for a writing assistant.", "prompt_echo"),
    ("The weather was lovely on Sunday.", "not_a_task"),
    ("There are many kinds of bread.", "not_a_task"),
    ("I was late for work again, what a day.", "not_a_task"),
    ("I can't wait to see the sea, tell everyone.", "not_a_task"),
    ("Describe what you see in the picture.", "needs_vision"),
    ("Create a logo for a small bakery.", "needs_vision"),
    ("What will the weather be tomorrow?", "needs_clock"),
    ("Tell me about your favourite holiday.", "about_the_model"),
    ("Have you ever been to Rome?", "about_the_model"),
    ("Explain the difference between a fork and", "unfinished"),
    ("List three ways to save water,", "unfinished"),
    ('Write a story that begins with "It was', "unfinished"),
    ("Describe the door that opened slowly...", "trails_off"),
    ("Write a poem about a poem about a poem about a poem.", "repetition"),
)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """Return the default recipe."""
    return load_recipe("default")


@pytest.mark.parametrize("instruction", GOOD)
def test_the_default_recipe_keeps_a_good_task(recipe: Recipe, instruction: str) -> None:
    """A task that a person could have written passes every rule."""
    verdict = judge(task(instruction), recipe.rules("instruction"), "propose")
    assert verdict == Kept(task(instruction))


@pytest.mark.parametrize(("instruction", "rule"), BAD)
def test_the_default_recipe_refuses_a_bad_task(recipe: Recipe, instruction: str, rule: str) -> None:
    """What is no task, cannot be done, or breaks off is refused by the rule that says so."""
    verdict = judge(task(instruction), recipe.rules("instruction"), "propose")
    assert isinstance(verdict, Rejected)
    assert verdict.rule == rule


def test_the_good_tasks_are_new_to_one_another(recipe: Recipe) -> None:
    """Different tasks pass novelty as well; one that comes again is refused and shown why."""
    novelty = RougeL(recipe.novelty.max_similarity)
    drafts = [task(instruction) for instruction in (*GOOD, GOOD[0].upper())]
    verdicts = list(sift(drafts, recipe.rules("instruction"), [novelty]))
    assert verdicts[:-1] == [Kept(draft) for draft in drafts[:-1]]
    again = verdicts[-1]
    assert isinstance(again, Rejected)
    assert (again.rule, again.nearest and again.nearest.id) == ("novelty", drafts[0].id)


FREE = "Rewrite the text for a friend."
CHOICE = "Classify the review as positive or negative."

GOOD_INSTANCES = (
    (FREE, "Give me the salt.", "Could you pass me the salt?"),
    ("What is 12 times 4?", "", "48"),
    ("Which vitamin do carrots give us?", "", "Vitamin A"),
    ("Translate 'hello' into Chinese.", "", "你好"),
    ("Reply with one emoji to the good news.", "We won!", "🎉"),
    ("Write a function that reverses a string.", "", "def back(text):\n\treturn text[::-1]"),
    ("When does the last ferry leave?", "Ferries: 9:15, 16:30", "16:30"),
    ("Correct the sentence.", "She go home.", "She goes home."),
    (CHOICE, "I loved every page.", "Positive"),
    (CHOICE, "It broke on the first day.", "negative."),
    ("Write two lines about rain.", "", "Rain on the roof, rain on the sea,\nrain on my hat."),
)

BAD_INSTANCES = (
    (FREE, "Give me the salt.", "", "not_empty"),
    (FREE, "Give me the salt.", "Salt\ufffd, please.", "control_characters"),
    (FREE, "Give me\x00 the salt.", "Salt, please.", "control_characters"),
    (FREE, "Salt in two or three sentences.", "Salt, please.", "prompt_echo"),
    (FREE, "Give me the salt.", "As a helpful assistant I pass it.", "prompt_echo"),
    (FREE, "I'm sorry, I can't write that.", "No salt.", "refusal"),
    (FREE, "Give me the salt.", "As an AI language model, I have no salt.", "refusal"),
    (FREE, "Give me the salt.", "I'm sorry, but I cannot help with that.", "refusal"),
    (FREE, "Give me the salt.", "Dear [Name], pass the salt.", "placeholder"),
    (FREE, "Give me the salt.", "Read https://salt.example first.", "url"),
    (CHOICE, "I loved every page.", "sad", "label"),
    (CHOICE, "I loved it.", "A rather mixed feeling overall", "label"),
    (FREE, "Salt!", "Salt!", "input_is_output"),
    (FREE, "Please hand over the salt now.", "please hand over the salt, now", "repeats_input"),
    ("Tell me how salt is made.", "", "Tell me how the salt is made.", "repeats_instruction"),
    (FREE, "Give me the salt.", "Pass the salt to me. " * 6, "repeats_itself"),
    (FREE, "Give me the salt.", "Would you be so kind and pass the", "unfinished"),
    (FREE, "Give me the salt.", "Here are three ways:", "unfinished"),
)


def judged(recipe: Recipe, instruction: str, *pairs: tuple[str, str]) -> list[str]:
    """Return "kept" or the rule that refused, for each verdict on a complete task."""
    complete = task(instruction, *pairs, is_classification=instruction == CHOICE)
    verdicts = sift_instances(complete, recipe.rules("instance"), recipe.rules("task"), "respond")
    return [verdict.rule if isinstance(verdict, Rejected) else "kept" for verdict in verdicts]


@pytest.mark.parametrize(("instruction", "given", "output"), GOOD_INSTANCES)
def test_the_default_recipe_keeps_a_good_instance(
    recipe: Recipe, instruction: str, given: str, output: str
) -> None:
    """An answer that does the task passes, in any script and of any length."""
    assert judged(recipe, instruction, (given, output)) == ["kept"]


@pytest.mark.parametrize(("instruction", "given", "output", "rule"), BAD_INSTANCES)
def test_the_default_recipe_refuses_a_bad_instance(
    recipe: Recipe, instruction: str, given: str, output: str, rule: str
) -> None:
    """An answer that refuses, repeats, breaks off or is no label is refused by name."""
    assert judged(recipe, instruction, (given, output)) == [rule]


def test_one_bad_instance_does_not_spoil_the_others(recipe: Recipe) -> None:
    """Refused instances go one by one; a contradiction among the rest takes the whole task."""
    good, empty, other = ("Salt!", "Salt, please?"), ("Sugar!", ""), ("Salt!", "A bit of salt?")
    assert judged(recipe, FREE, good, empty) == ["not_empty", "kept"]
    assert judged(recipe, FREE, good, good) == ["kept"]
    assert judged(recipe, FREE, good, empty, other) == ["not_empty", "conflicting_outputs"]
