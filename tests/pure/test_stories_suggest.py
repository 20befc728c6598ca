"""Topics learned from choices: silent at first, the same in any order, with chances, whatever the text."""

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbill.stories import suggest
from handbill.stories.suggest import Choice, Told, dump, load, look_ahead, read

WORDS = {
    1: "bridge river ferry quay harbour crane ship tide anchor pier",
    2: "school teacher pupil lesson exam classroom holiday pencil reading bell",
    3: "election council vote mayor ballot party campaign speech debate poll",
}
COMMON = "town people week report street plan money morning square letter"


def told(topic: int, dice: random.Random, day: int = 738_000) -> Told:
    own, common = WORDS[topic].split(), COMMON.split()
    title = " ".join(dice.choices(own, k=3) + dice.choices(common, k=2))
    return Told(title, " ".join(dice.choices(own, k=12) + dice.choices(common, k=12)), "en", "Alder Post", day)


NAMES = {1: "Bridges", 2: "School", 3: "Votes and elections"}


def chosen(told: Told, *topics: int) -> Choice:
    return read(told, topics, NAMES)


def learn(choices):
    return suggest.learn(choices, NAMES)


def choices(count: int = suggest.LEAST, seed: int = 1) -> list[Choice]:
    dice = random.Random(seed)
    return [chosen(told(1 + n % 3, dice, 738_000 + n // 5), 1 + n % 3) for n in range(count)]


LEARNED = learn(choices())
assert LEARNED is not None


def test_it_is_silent_until_it_has_learned_enough():
    assert learn(choices(suggest.LEAST - 1)) is None
    assert learn([]) is None
    assert learn([replace(each, topics=frozenset([1])) for each in choices()]) is None


def test_a_topic_chosen_once_is_known_by_its_name():
    parts, dice = [*WORDS[1].split()], random.Random(6)
    names = {n: f"{parts[n // 10]}{parts[n % 10]}".title() for n in range(100)} | {100: "Lanterns"}
    common = COMMON.split()

    def about(topic: int, name: str, day: int) -> Choice:
        told = Told("Letter of the week", f"{name} {' '.join(dice.choices(common, k=9))}", "en", "", 738_000 + day)
        return read(told, [topic], names)

    first = [about(n, "", n) for n in range(101)]
    again = [about(n, names[n], 101 + n) for n in range(100)]
    asked = Told("Letter of the week", "Lanterns in the square", "en", "", 738_250)
    assert [each.topic for each in suggest.suggest(suggest.learn([*first, *again], names), asked)][:1] == [100]
    assert [each.topic for each in suggest.suggest(suggest.learn([*first, *again], {}), asked)][:1] != [100]


@pytest.mark.parametrize("topic", WORDS)
def test_the_topic_of_the_words_comes_first_and_the_words_are_said(topic):
    found = suggest.suggest(LEARNED, told(topic, random.Random(77), 738_050))
    assert found[0].topic == topic
    assert found[0].confidence > 0.5
    spoken = {word for each in found[0].words for word in each.split()}
    assert spoken
    assert spoken & set(WORDS[topic].split())


def test_topics_chosen_together_are_suggested_together():
    both = [replace(each, topics=each.topics | {4} if 1 in each.topics else each.topics) for each in choices()]
    found = suggest.suggest(learn(both), told(1, random.Random(78), 738_050))
    assert {each.topic for each in found if each.confidence > 0.5} == {1, 4}


@given(st.randoms(use_true_random=False))
@settings(max_examples=3, deadline=None)
def test_the_order_of_the_choices_is_irrelevant(dice):
    mixed = choices()
    dice.shuffle(mixed)
    assert dump(learn(mixed)) == dump(LEARNED)


@given(st.text(max_size=200), st.text(max_size=400), st.text(max_size=5), st.text(max_size=9), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_chances_in_falling_order(title, text, language, outlet, day):
    found = suggest.suggest(LEARNED, Told(title, text, language, outlet, day))
    assert all(0 <= each.confidence <= 1 for each in found)
    assert all(one.confidence >= other.confidence for one, other in pairwise(found))
    assert len(found) <= suggest.OFFERED


ODD = {
    "empty": ("", ""),
    "one word a million times": ("bridge", "bridge " * 1_000_000),
    "5 MB without a space": ("x", "ferry" * 1_000_000),
    "mixed scripts": ("Мост 桥梁 جسر bridge 🌉", "Мост закрыт. 大桥关闭。الجسر مغلق. ปิดสะพาน 🌉" * 50),
    "half a pair": ("\ud800", "\udfff bridge \x00"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_texts_are_learned_and_asked_about(name):
    odd = Told(*ODD[name], "", "", 0)
    learned = learn([*choices(), chosen(odd, 1), chosen(odd)])
    assert len(suggest.suggest(learned, odd)) <= suggest.OFFERED


def test_words_without_spaces_are_learned():
    chinese = {1: "大桥关闭维修渡轮", 2: "学校老师学生考试"}
    dice = random.Random(3)
    made = []
    for n in range(suggest.LEAST):
        text = "".join(dice.sample([chinese[1 + n % 2][i : i + 2] for i in range(0, 8, 2)], 4))
        made.append(chosen(Told(text, text * 3, "zh", "", 738_000 + n), 1 + n % 2))
    assert suggest.suggest(learn(made), Told("学校考试", "老师学生", "zh", "", 738_300))[0].topic == 2


def test_what_was_learned_is_kept_without_code():
    again = load(dump(LEARNED))
    asked = told(2, random.Random(8), 738_050)
    ours, theirs = suggest.suggest(LEARNED, asked), suggest.suggest(again, asked)
    assert [each.topic for each in ours] == [each.topic for each in theirs]
    assert ours[0].confidence == pytest.approx(theirs[0].confidence, abs=0.02)
    for data in (b"", b"cos\nsystem\n", dump(LEARNED)[:500], _objects()):
        with pytest.raises(ValueError):
            load(data)


def _objects() -> bytes:
    import io

    out = io.BytesIO()
    np.savez(out, **{name: np.array([object()]) for name in suggest.Learned.__dataclass_fields__})
    return out.getvalue()


def test_looking_ahead_knows_nothing_of_what_comes_later():
    dice = random.Random(9)
    known = [replace(each, topics=frozenset([dice.randint(1, 3)])) for each in choices(60)]
    ahead = look_ahead(known, 50).chances
    other = look_ahead([*known[:55], *(replace(each, topics=frozenset([3])) for each in known[55:])], 50).chances
    assert np.allclose(ahead[:6], other[:6], atol=1e-4)
    assert not np.allclose(ahead[6:], other[6:], atol=1e-2)
