"""Notes at the desk: who was mailed an article is told, once, and what no letter has yet can be taken back."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from test_desk_delivery import person, text_of
from test_digest_room import publish, reader, who

from handbill.articles.models import Article, Note
from handbill.delivery.models import Body, Delivery
from handbill.desk import issue
from handbill.desk import notes as desk_notes
from handbill.digest import actions, notes, room

pytestmark = pytest.mark.django_db

SEVEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)  # 07:00 in Berlin
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def clock(monkeypatch):
    def at(moment: datetime) -> None:
        for screen in (desk_notes, issue):
            monkeypatch.setattr(screen, "now", lambda: moment)

    at(SEVEN + HOUR)
    return at


@pytest.fixture
def ada(clock) -> Client:
    return person("ada", "Editors")


@pytest.fixture
def bob() -> str:
    return reader("bob")


@pytest.fixture
def mailed(bob) -> Article:
    """Bob was mailed it."""
    article = publish("Ferry returns", SEVEN - 2 * HOUR, edition=1)
    assert actions.send_due(SEVEN).readers == 1
    return article


def write(client: Client, article: Article, text: str, kind: str = "news"):
    return client.post(reverse("desk_notes", args=[article.pk]), {"kind": kind, "text": text}, follow=True)


def last_letter(token: str) -> str:
    return Delivery.objects.filter(recipient=who(token), mailing__kind="issue").order_by("-pk")[0].body.text


def fate(article: Article) -> list[str]:
    return [str(one.fate) for one in notes.notes_of(article.pk).notes]


def test_what_is_new_and_a_correction_go_into_the_next_letter_once(ada, mailed, bob):
    page = text_of(ada.get(f"/articles/edit/{mailed.pk}/"))
    assert reverse("desk_notes", args=[mailed.pk]) in page and "Say what is new" in page
    page = text_of(ada.get(reverse("desk_notes", args=[mailed.pk])))
    assert "First mailed with the issue of 22 November 2026" in page
    assert "Until a letter has it" in text_of(write(ada, mailed, "  The first\nboat <b>sank</b>. "))
    write(ada, mailed, "It was nine years, not ten.", "correction")
    assert list(Note.objects.order_by("pk").values_list("text", "by")) == [
        ("The first boat <b>sank</b>.", "ada"),
        ("It was nine years, not ten.", "ada"),
    ]
    shown = room.filling(SEVEN + 2 * HOUR)
    assert [one.new for _, one in shown.kept] == ["The first boat <b>sank</b>."]
    assert [said for *_, said in shown.corrections] == ["It was nine years, not ten."]
    page = text_of(ada.get(reverse("desk_issue")))
    assert "told again, with what is new" in page and "It was nine years, not ten." in page
    assert fate(mailed) == ["next", "next"]
    actions.send_due(SEVEN + DAY)
    assert "boat <b>sank</b>" in last_letter(bob) and "It was nine years, not ten." in last_letter(bob)
    body = Body.objects.order_by("-pk")[0]
    assert "boat &lt;b&gt;sank" in body.html, "plain text stays text"
    assert fate(mailed) == ["mailed", "mailed"]
    assert "first with the issue of 23 November" in text_of(ada.get(reverse("desk_notes", args=[mailed.pk])))


def test_until_a_letter_has_it_a_note_is_taken_back_and_nobody_is_told(ada, mailed, bob, clock):
    write(ada, mailed, "The first boat sank.")
    note = Note.objects.get()
    assert "no letter says it" in text_of(ada.post(reverse("desk_note_withdraw", args=[note.pk]), follow=True))
    assert fate(mailed) == ["withdrawn"]
    assert "too late" in text_of(ada.post(reverse("desk_note_withdraw", args=[note.pk]), follow=True))
    assert actions.send_due(SEVEN + DAY) is None
    note.refresh_from_db()
    assert note.withdrawn_by == "ada" and note.text == "The first boat sank.", "what was done stays known"


def test_taken_back_while_its_letters_wait_they_are_written_anew(ada, mailed, bob, clock):
    write(ada, mailed, "The first boat sank.")
    publish("Other news", SEVEN + HOUR)
    actions.hold(SEVEN.date() + DAY, "", SEVEN, "ada")
    actions.send_due(SEVEN + DAY)
    assert fate(mailed) == ["written"] and "sank" in Body.objects.order_by("-pk")[0].text
    clock(SEVEN + DAY + HOUR)
    ada.post(reverse("desk_note_withdraw", args=[Note.objects.get().pk]))
    actions.release(SEVEN.date() + DAY, SEVEN + DAY + HOUR, "ada")
    actions.send_due(SEVEN + DAY + HOUR)
    assert "Other news" in last_letter(bob) and "sank" not in last_letter(bob) and "Ferry" not in last_letter(bob)
    assert fate(mailed) == ["withdrawn"]
    write(ada, mailed, "It is afloat.")
    actions.send_due(SEVEN + 2 * DAY)
    assert "It is afloat." in last_letter(bob), "a later note is told"


def test_what_a_letter_has_is_not_taken_back(ada, mailed, clock):
    write(ada, mailed, "The first boat sank.")
    actions.send_due(SEVEN + DAY)
    note = Note.objects.get()
    assert "Take it back" not in text_of(ada.get(reverse("desk_notes", args=[mailed.pk])))
    ada.post(reverse("desk_note_withdraw", args=[note.pk]))
    note.refresh_from_db()
    assert note.withdrawn_at is None


def test_of_two_the_last_is_told_and_of_what_nobody_was_mailed_nothing(ada, mailed, clock):
    write(ada, mailed, "The first boat sank.")
    clock(SEVEN + 2 * HOUR)
    write(ada, mailed, "It is afloat.")
    assert fate(mailed) == ["next", "passed"]
    fresh = publish("Fresh", SEVEN + HOUR)
    assert "correct the article instead" in text_of(ada.get(reverse("desk_notes", args=[fresh.pk])))
    write(ada, fresh, "More of it.")
    assert fate(fresh) == ["untold"]


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("news", " \u200b\n ", "Write a sentence first"),
        ("news", "a" * 601, "601 characters; a letter takes up to 600"),
        ("gossip", "It sank.", "new or a correction"),
        ("", "It sank.", "new or a correction"),
    ],
)
def test_what_can_not_be_taken_is_said_and_nothing_is_lost(ada, mailed, kind, text, told):
    page = write(ada, mailed, text, kind).content.decode()
    assert told in page and not Note.objects.exists()
    assert text.strip(" \u200b\n")[:600] in page


def test_an_article_that_is_not_public_is_published_first(ada, mailed):
    Article.objects.update(live=False)
    page = text_of(write(ada, mailed, "It sank."))
    assert "publish it first" in page and 'name="text"' not in page and not Note.objects.exists()


def test_get_changes_nothing_and_who_may_not_publish_writes_nothing(ada, mailed, django_user_model):
    write(ada, mailed, "The first boat sank.")
    note = Note.objects.get()
    looks = person("lea")
    rights = Permission.objects.filter(codename__in=["access_admin", "change_article"])
    django_user_model.objects.get(username="lea").user_permissions.add(*rights)
    page = text_of(looks.get(reverse("desk_notes", args=[mailed.pk])))
    assert "The first boat sank." in page and "<textarea" not in page and "Take it back" not in page
    looks.post(reverse("desk_notes", args=[mailed.pk]), {"kind": "news", "text": "Mine"})
    looks.post(reverse("desk_note_withdraw", args=[note.pk]))
    assert ada.get(reverse("desk_note_withdraw", args=[note.pk])).status_code == 405
    note.refresh_from_db()
    assert note.withdrawn_at is None and Note.objects.count() == 1
    hers = Client(enforce_csrf_checks=True)
    hers.force_login(django_user_model.objects.get(username="ada"))
    assert hers.post(reverse("desk_notes", args=[mailed.pk]), {"kind": "news", "text": "Forged"}).status_code == 403
