"""A Chinese script and Chinese seeds for `--engine scripted:FILE --seeds FILE`.

Every text is invented here from fixed tables, as in script.py: JSON arrays of proposals, chat
replies, and few-shot replies with Chinese labels, good ones and bad ones.
"""

import json
from pathlib import Path

_WHO = ("退休的面包师", "夜班护士", "乡村教师", "养蜂人", "灯塔看守人", "公交司机", "三个大学生")
_WHAT = (
    "厨房的水龙头半夜漏水",
    "没有酵母怎样蒸出松软的馒头",
    "镇上最老的石桥为什么不塌",
    "六十岁开始学一门外语",
    "冬天在朝北的阳台种番茄",
    "把雨伞忘在地铁末班车上",
    "老房子省电的土办法",
    "围棋第一课该教些什么",
    "挑一台音色还好的二手钢琴",
    "台风前怎样收拾菜园",
    "头一回独自坐夜火车",
    "用旧毛衣改一个书包",
)
_FORMS = (
    "{what}，{who}怎么看？",
    "请为{who}列三条建议：{what}。",
    "用两句话给{who}讲讲{what}。",
    "替{who}编一段顺口溜，说的是{what}。",
    "{who}想弄明白{what}，应当先问谁、再做什么？",
    "写{who}与邻居的一段对话，话题是{what}。",
)
_BAD_PROPOSALS: tuple[tuple[str, str], ...] = (
    ('["今天天气很好，我们去了公园。"]', "stop"),  # not_a_task
    ('["描述这张图片里的人物和背景"]', "stop"),  # needs_vision
    ('["今天北京的天气怎么样？"]', "stop"),  # needs_clock
    ('["你最喜欢的食物是什么？"]', "stop"),  # about_the_model
    ('["Write a short poem about the sea and the moon."]', "stop"),  # wrong_script
    ('["请介绍唐朝的诗人、画家以及"]', "stop"),  # unfinished
    ("好的，我来写几个任务。", "stop"),  # no_task
    ('["写一个关于月亮的故事，主人公是', "length"),  # truncated
)
_INPUTS = (
    "渡船又晚点了，乘客在码头上分着喝一壶热茶，没有人抱怨。",
    "中午有一只狐狸穿过操场，四十个孩子忘了吃午饭。",
    "小店九点开门，星期一休息，门口的铃铛一直会响。",
)
_RESPONSES = (
    "先关上总阀门，再拧下手柄，换一个新垫圈，最后慢慢打开水。",
    "石桥建于清代，桥面有三道车辙，老人们常在桥头下棋。",
    "每天早上记十个词，晚上听两首歌，一个月以后就敢开口了。",
    "番茄要晒够太阳，土干了再浇水，开花时轻轻摇一摇枝条。",
    "雨伞被一位乘务员收好了，伞柄上刻着主人的姓。",
    "窗户贴上密封条，白天少开灯，电费能省下两成。",
    "先占角，再占边，最后才是中间；每一步都要想好退路。",
    "弹一遍所有的琴键，听听有没有一个声音像勺子。",
)
_BAD_RESPONSES = (
    "抱歉，我无法回答这个问题。",
    "当然可以！以下是我为您写的内容：先关水，再换垫圈。",
    "请提供更多的信息。",
    "尊敬的[您的姓名]：水龙头已经修好。",
    "First turn off the water, then unscrew the handle and change the old washer for a new one.",
    "修水龙头要准备扳手、垫圈、",
    "水龙头漏水了，水龙头漏水了，水龙头漏水了，水龙头漏水了，水龙头漏水了，水龙头漏水了。",
    "",
)
_CLASSES = (
    "是\n输入：电梯停在两层之间，却没有人抱怨。",
    "否\n输入：门还没有开，座位就坐满了。\n类别：是\n输入：汤端上来的时候已经凉了。",
    "大象坐在慢车上的故事\n输入：一句话。",
)
_SEEDS: tuple[tuple[str, str, str, bool], ...] = (
    ("把下面的句子改成疑问句。", "他明天去上海。", "他明天去上海吗？", False),
    ("给这则通知拟一个标题。", "周六停水，请提前储水。", "周六停水通知", False),
    ("用一个比喻描写秋天的天空。", "", "秋天的天空像洗过的蓝布。", False),
    ("列出三种可以在阳台上种的蔬菜。", "", "1. 小葱\n2. 生菜\n3. 辣椒", False),
    ("解释“守株待兔”的意思。", "", "比喻不努力，只想靠运气得到好处。", False),
    ("一个长方形长八米，宽五米，面积是多少？", "", "四十平方米。", False),
    ("判断下面的评论是积极还是消极。", "面很香，下次还来。", "积极", True),
    ("下面的说法对吗？回答“对”或“错”。", "鲸是鱼。", "错", True),
    ("把新闻归入体育、财经或科技。", "股市今天上涨。", "财经", True),
)


def write_seeds(path: Path) -> Path:
    """Write the seed tasks to `path` and return it."""
    rows = [
        {
            "instruction": instruction,
            "instances": [{"input": given, "output": output}],
            "is_classification": is_class,
        }
        for instruction, given, output, is_class in _SEEDS
    ]
    return _written(path, rows)


def write_script(path: Path) -> Path:
    """Write the script to `path` and return it."""
    pairs = [(form, what) for form in _FORMS for what in _WHAT]
    made = [form.format(who=_WHO[i % 7], what=what) for i, (form, what) in enumerate(pairs)]
    made = [made[place * 31 % len(made)] for place in range(len(made))]
    lines = [
        ("*/propose/*", json.dumps(made[first : first + 2], ensure_ascii=False), "stop")
        for first in range(0, len(made), 2)
    ]
    lines += [("*/propose/*", *bad) for bad in _BAD_PROPOSALS] * 2
    lines += [("*/classify/*", text, "stop") for text in ("是", "否", "否", "否。", "不是")]
    lines += [("*/input/*", text, "stop") for text in _INPUTS]
    for stage in ("paraphrase", "translate", "back"):
        lines += [(f"*/{stage}/*", "换一种说法：请把同样的事情再说一遍。", "stop")]
    lines += [("*/respond/*", text, "stop") for text in (*_RESPONSES, *_BAD_RESPONSES)]
    lines += [("*/instances/*", text, "stop") for text in _CLASSES]
    return _written(path, [{"key": key, "text": text, "finish": end} for key, text, end in lines])


def _written(path: Path, rows: list[dict[str, object]]) -> Path:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path
