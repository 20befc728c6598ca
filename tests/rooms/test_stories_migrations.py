"""Members from before a change say what they said."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from hypothesis import example, given
from hypothesis import strategies as st
from test_articles_actions import make_story

from handbill.stories.models import Member
from handbill.stories.reasons import reasons, sentence, stored

REASONS = import_module("handbill.stories.migrations.0008_reasons_as_data")
WORDS = st.lists(st.text("abc'é ,.", min_size=1).map(str.strip).filter(lambda w: w and ", " not in w and w[-1] != ","))


@given(WORDS, WORDS, WORDS, st.integers(0, 72 * 60), st.text(min_size=1), st.booleans())
@example([], [], [], 1410, "0", False)
def test_a_sentence_is_read_back_as_what_it_says(title, named, text, minutes, outlet, same_text):
    told = reasons(title, named, text, timedelta(minutes=minutes), outlet, same_text)
    said = [sentence(reason) for reason in told]
    read = stored([REASONS.read(each) for each in said])
    assert [sentence(reason) for reason in read] == said
    assert read[:-1] == told[:-1]  # of the time between, the sentence has whole hours or days


@pytest.mark.django_db
def test_reasons_kept_as_sentences_become_data_and_nothing_is_lost():
    make_story("Bridge shut", "Alder bridge closes", "Bridge is shut")
    first, second, third = Member.objects.order_by("pk")
    said = ["The same text as Quay's Wire's.", "Same words in the title: Bridge, shut.", "Published 1 hour apart."]
    Member.objects.filter(pk=first.pk).update(why=[])
    Member.objects.filter(pk=second.pk).update(why=said)
    Member.objects.filter(pk=third.pk).update(why=["It tells of the same “bridge”.", "Published at the same time."])
    for _ in range(2):  # what is data stays so
        REASONS.tell_reasons(apps, connection.schema_editor())
    assert list(Member.objects.order_by("pk").values_list("why", flat=True)) == [
        [],
        [["copy", ["Quay's Wire"]], ["title", ["Bridge", "shut"]], ["apart", [60]]],
        [["said", ["It tells of the same “bridge”."]], ["apart", [0]]],
    ]
