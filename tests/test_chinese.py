"""Chinese from seeds to export: labels, lengths, marks, prompts, and a run by the command."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from command import refused, run
from hypothesis import given
from hypothesis import strategies as st
from script_zh import write_script, write_seeds

from selfinstruct import parse
from selfinstruct.engines import Sampling
from selfinstruct.pool import Pool, Shown
from selfinstruct.prompts.files import load_prompts
from selfinstruct.recipe import load_recipe
from selfinstruct.rules import AskedForm, Label, MixedScript, TaskForm, Unfinished
from selfinstruct.rules.base import is_prose
from selfinstruct.stages.answer import missing_input
from selfinstruct.task import Instance, Origin, Task, new_task
from selfinstruct.text import word_count


def task(instruction: str, *pairs: tuple[str, str], is_class: bool = False) -> Task:
    """Return a Chinese task."""
    return new_task(
        instruction,
        origin=Origin(kind="generated"),
        language="zh",
        instances=tuple(Instance(*pair) for pair in pairs),
        is_classification=is_class,
    )


@pytest.mark.parametrize(
    "reply",
    [
        "Input: 他走了。\nOutput: 他没有走。\nExample 2\nInput: (none)\nOutput: 好",
        "输入：他走了。\n输出：他没有走。\n示例2\n输入：（无）\n输出：好",
        "输入: 他走了。\n输出: 他没有走。\n示例 2：\n输入：无输入\n输出：好",
        "示例1\n输入1：他走了。\n输出1：他没有走。\n例子2\n输入2：无。\n输出2：好",
    ],
)
def test_chinese_labels_read_as_english_ones_do(reply: str) -> None:
    """输入, 输出 and 示例 are read as Input, Output and Example."""
    found = parse.labelled_instances(reply, truncated=False)
    assert found == [Instance("他走了。", "他没有走。"), Instance("", "好")]


@pytest.mark.parametrize(
    "reply",
    [
        "Class label: 积极\nInput: 很好吃\nClass label: 消极\nInput: 太咸",
        "类别：积极\n输入：很好吃\n类别：消极\n输入：太咸",
        "类别标签: 积极\n输入: 很好吃\n输出：积极\n类别标签: 消极\n太咸",
    ],
)
def test_chinese_class_labels_read_as_english_ones_do(reply: str) -> None:
    """类别 is read as Class label, and an input ends before 输出."""
    found = parse.labelled_classes(reply, truncated=False)
    assert found == [Instance("很好吃", "积极"), Instance("太咸", "消极")]


def test_labels_inside_a_sentence_are_text() -> None:
    """A label counts at the start of a line only, with its colon."""
    found = parse.labelled_instances(
        "输入：请看输出：结果\n输出：在输入：处\n输出值", truncated=False
    )
    assert found == [Instance("请看输出：结果", "在输入：处\n输出值")]


@given(st.text(st.sampled_from('输入出示例类别标签：:1 \n（无）[]{"指令}是的。'), max_size=60))
def test_no_chinese_reply_is_too_odd(text: str) -> None:
    """Reading is total: any text gives a list, and instances have no white space at their ends."""
    parse.json_items(text, truncated=True)
    parse.listed_items(text, first=1, truncated=False)
    for read in (parse.labelled_instances, parse.labelled_classes):
        for one in read(text, truncated=False):
            assert one.output == one.output.strip()


@pytest.mark.parametrize("text", ["是", "是。", " 是的\n"])
def test_a_chinese_yes(text: str) -> None:
    """是 is yes, with a full stop too; 不是 and a sentence are not."""
    assert parse.is_yes(text)
    assert not parse.is_yes(f"不{text}")


def test_json_objects_may_have_a_chinese_key() -> None:
    """An object's "指令" is its instruction where it has no "instruction"."""
    text = '[{"指令": "写一首诗"}, {"instruction": "写信", "指令": "不看"}, {"任务名": 1}]'
    assert [item.text for item in parse.json_items(text, truncated=False)] == ["写一首诗", "写信"]


@pytest.mark.parametrize("mark", ["10.", "10、", "10：", "任务10：", "任务 10."])
def test_chinese_ways_to_number_a_list(mark: str) -> None:
    """A list goes on at 任务10 as it does at "Task 10:"."""
    found = parse.listed_items(f"写一首诗\n{mark}写一封信", first=9, truncated=False)
    assert [item.text for item in found] == ["写一首诗", "写一封信"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("写一首诗", 4),
        ("写一首 C++ 的诗。", 6),
        ("two words", 2),
        ("C++ & C#, too - yes", 6),
    ],
)
def test_words_of_a_text_without_spaces_are_tokens(text: str, count: int) -> None:
    """A Chinese character counts as a word; other texts are counted by their spaces."""
    assert word_count(text) == count


def test_prompts_show_no_long_chinese_instruction() -> None:
    """`max_words` bounds what a prompt shows, in characters."""
    short, long = task("写一首关于秋天的诗"), task("写一首关于秋天的诗" * 9)
    pool = Pool([short, long])
    shown = pool.sample(Random(1), Shown(count=2, grown=0, max_words=60))
    assert shown == [short]


@pytest.mark.parametrize(
    "text", ["春天，", "苹果、", "《红楼", "他说：“走", "「好", "（甲", "这是甲的书(乙", "——"]
)
def test_chinese_marks_that_leave_a_text_open(text: str) -> None:
    """A comma of either kind, an open bracket or an open quote is no end."""
    assert Unfinished(field="output")(task("写", ("", text)))


@pytest.mark.parametrize("text", ["好。", "《红楼梦》", "（甲)", "“走”", "「好」", "参与", "和"])
def test_chinese_texts_that_are_whole(text: str) -> None:
    """Closed brackets of either kind are closed; a text that is one word of the list is whole."""
    rule = Unfinished(field="output", words=("和", "与"), unless=("参与",))
    assert rule(task("写", ("", text))) is None
    assert rule(task("写", ("", "甲和")))


def test_sentences_without_spaces_are_told_apart() -> None:
    """A request may stand in any sentence or part of one, with no space before it."""
    rule = TaskForm(field="instruction", openers=("请", "写"), starts=("我",))
    assert rule(task("我要搬家了。请写一则启事。")) is None
    assert rule(task("我要搬家了，写一则启事")) is None
    assert rule(task("我要搬家了。我很高兴。"))


def test_letters_of_two_alphabets_are_mixed_within_a_word_only() -> None:
    """Chinese characters between two letters part them."""
    rule = MixedScript(field="output")
    assert rule(task("写", ("", "圆周率π和半径r的关系"))) is None
    assert rule(task("写", ("", "这是аlgorithm的意思")))


def test_chinese_prose_is_prose_and_code_is_not() -> None:
    """Full-width marks count as letters do."""
    assert is_prose("走吧，快走！好。")
    assert is_prose("春，夏，秋，冬。")
    assert not is_prose("a[1] = {2: 3}")


def test_a_label_may_have_many_characters() -> None:
    """A label of the list `also` is compared by its tokens."""
    rule = Label(also=("不支持",))
    assert rule(task("判断态度", ("甲", "不支持。"), is_class=True)) is None
    assert rule(task("判断态度", ("甲", "说不清"), is_class=True))


def test_a_number_may_have_two_words() -> None:
    """Words for one number stand in one entry."""
    rule = AskedForm(form="list", cues=("列出(?P<number>.)个",), numbers=("一", "二 两", "三"))
    assert rule(task("列出两个", ("", "1. 甲\n2. 乙\n3. 丙")))
    assert rule(task("列出两个", ("", "1. 甲\n2. 乙"))) is None
    assert rule(task("列出三个", ("", "1. 甲\n2. 乙\n3. 丙"))) is None


@pytest.mark.parametrize(
    ("instruction", "kind"),
    [
        ("概括下面的文章", "文章"),
        ("把这段话翻译成英文", "text"),
        ("从段落中提取所有人名", "段落"),
        ("翻译下面的句子：今天很热", ""),
        ("写一首关于秋天的诗", ""),
    ],
)
def test_what_an_instruction_lacks_is_named_in_chinese(instruction: str, kind: str) -> None:
    """The recipe's cues find the text that has to be written, and what it is called."""
    assert missing_input(load_recipe("zh").instances, instruction) == kind


def test_the_chinese_prompt_for_an_input_is_chinese() -> None:
    """A text without a name of its own is 文字, not "text"."""
    prompt = load_prompts("zh").input("", task("写"), kind="text", topic="海", sampling=Sampling())
    assert "文字" in prompt.messages[0].content
    assert "text" not in prompt.messages[0].content


def test_an_echo_of_a_chinese_prompt_is_known() -> None:
    """The fixed lines of the Chinese prompts are long enough to be told from a task."""
    lines = load_prompts("zh").headings()
    assert len(lines) >= 5
    assert min(map(len, lines)) > 12


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a Chinese run, grown by the command."""
    folder = tmp_path_factory.mktemp("zh")
    engine = f"scripted:{write_script(folder / 'script.jsonl')}"
    seeds = write_seeds(folder / "seeds.jsonl")
    words: list[str | Path] = ["--seeds", seeds, "--engine", engine, "--out", folder / "run"]
    more = ["--rounds", "2", "--prompts-per-round", "60"]
    result = run("grow", "--language", "zh", "--recipe", "zh", *words, *more)
    assert result.code == 0, result
    return folder / "run"


def test_a_chinese_run_grows_and_says_what_it_refused(grown: Path) -> None:
    """From Chinese seeds, recipe and prompts come Chinese tasks, and refusals by name."""
    pool = [json.loads(line) for line in (grown / "pool.jsonl").read_text("utf-8").splitlines()]
    lines = (grown / "rejected.jsonl").read_text("utf-8").splitlines()
    rules = Counter(json.loads(line)["rule"] for line in lines)
    assert len(pool) >= 20
    assert {row["language"] for row in pool} == {"zh"}
    assert all("\u4e00" <= row["instruction"][0] <= "\u9fff" for row in pool)
    at_propose = {"not_a_task", "needs_vision", "needs_clock", "about_the_model", "wrong_script"}
    at_answer = {"refusal", "preamble", "self_talk", "placeholder", "language", "unfinished"}
    assert rules.keys() >= at_propose | at_answer | {"novelty", "no_task", "truncated", "label"}


def test_a_chinese_run_reads_labels_and_writes_exports(grown: Path) -> None:
    """Classification tasks have the labels of few-shot replies; exports keep the characters."""
    pool = [json.loads(line) for line in (grown / "pool.jsonl").read_text("utf-8").splitlines()]
    classes = [row for row in pool if row["is_classification"]]
    assert classes
    assert {one["output"] for row in classes for one in row["instances"]} <= {"是", "否"}
    assert not any("输入" in one["input"] for row in classes for one in row["instances"])
    text = "".join(path.read_text("utf-8") for path in (grown / "export").rglob("*.jsonl"))
    assert pool[0]["instruction"] in text


def test_chinese_needs_seeds_of_ones_own(tmp_path: Path) -> None:
    """No Chinese seeds ship: without --seeds the command says what to give."""
    refused(run("grow", "--language", "zh", "--recipe", "zh", cwd=tmp_path), "zh", "--seeds")
