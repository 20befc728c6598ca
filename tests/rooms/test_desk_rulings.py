"""An editor's acts at the desk: each by a form, each undone by the button of its message; and what the pages show."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from test_articles_actions import NOW, make_story
from test_desk_screens import ada, desk  # noqa: F401

from handbill.articles.actions import take_story
from handbill.articles.models import Article
from handbill.desk.parts import spans
from handbill.digest.models import Issue
from handbill.digest.queries import last_closed
from handbill.kit.clock import now
from handbill.sources.models import Feed, Source
from handbill.stories.actions import sum_up
from handbill.stories.models import Grouping, Member, Ruling, Story

pytestmark = pytest.mark.django_db


def story(*titles, **fields):
    made = make_story(*titles, **fields)
    sum_up([made.pk])
    return made


def reports_of(one):
    return list(Member.objects.filter(story=one).order_by("report").values_list("report", flat=True))


def post(client, name, *args, **data):
    page = client.post(reverse(name, args=args), data, follow=True)
    assert page.status_code == 200
    return page.content.decode()


def undo(client, page):
    return client.post(re.search(r'action="(/stories/rulings/\d+/undo/)"', page).group(1), follow=True).content.decode()


def test_chosen_stories_become_one_and_undo_parts_them(desk):  # noqa: F811
    first, second, third = story("Bridge shut"), story("Alder bridge closes"), story("Crane")
    before = reports_of(second)
    page = post(desk, "desk_merge", story=[first.pk, second.pk], page="1")
    assert "These are one story now" in page and len(reports_of(first)) == 2
    assert "Undone" in undo(desk, page) and reports_of(second) == before and reports_of(third)
    assert "was undone" not in undo(desk, page), "a second press is harmless"


@pytest.mark.parametrize("chosen", [[], ["1"], ["x", "-3", "٣", "9" * 30]])
def test_too_few_chosen_is_said_and_changes_nothing(desk, chosen):  # noqa: F811
    story("Bridge shut")
    assert "Choose two stories" in post(desk, "desk_merge", story=chosen)
    assert "Choose two stories" in post(desk, "desk_merge", story=chosen, apart="1")
    assert not Ruling.objects.exists()


def test_two_stories_are_not_the_same(desk):  # noqa: F811
    first, second = story("Bridge shut"), story("Bridge shut, too")
    page = post(desk, "desk_merge", story=[first.pk, second.pk], apart="1")
    assert "These are not the same" in page and Ruling.objects.count() == 1
    assert "said of these two stories already" in post(desk, "desk_join", first.pk, other=str(second.pk), apart="1")
    undo(desk, page)
    assert Ruling.objects.get().undone_at


def test_one_report_is_taken_out_on_the_list_and_comes_back(desk):  # noqa: F811
    both = story("Bridge shut", "Crane falls")
    stays, goes = reports_of(both)
    page = post(desk, "desk_split", both.pk, report=[goes], page="1")
    assert "1 report is a story of its own now: “Crane falls”" in page and reports_of(both) == [stays]
    assert "was changed meanwhile" in post(desk, "desk_split", both.pk, report=[goes], page="1")
    assert "a story of its own already" in post(desk, "desk_split", both.pk, report=[stays])
    assert "Choose the reports" in post(desk, "desk_split", both.pk)
    undo(desk, page)
    assert reports_of(both) == [stays, goes]


def test_a_report_moves_to_the_story_named_and_the_page_says_who_moved_it(desk):  # noqa: F811
    both, other = story("Bridge shut", "Crane falls"), story("Harbour crane")
    goes = reports_of(both)[1]
    page = post(desk, "desk_move", both.pk, report=[goes], other=f"{other.pk} · Harbour crane")
    assert "1 report moved to" in page and goes in reports_of(other)
    shown = desk.get(reverse("desk_story", args=[other.pk])).content.decode()
    assert "ada put it here" in shown and Ruling.objects.get().by.username == "ada"
    undo(desk, page)
    assert reports_of(both)[1] == goes
    assert "put it here" not in desk.get(reverse("desk_story", args=[both.pk])).content.decode()


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ("harbour", "1 report moved to"),
        ("HARBOUR crane", "1 report moved to"),
        ("crane", "More than one story"),
        ("", "No other story"),
        ("nobody has this", "No other story"),
        ("99999999999999999999999", "No other story"),
        ("7777777 · gone", "No other story"),
    ],
)
def test_the_other_story_is_known_by_words_that_it_alone_has(desk, other, says):  # noqa: F811
    both = story("Bridge shut", "Ferry sails")
    story("Harbour crane"), story("Second crane")
    assert says in post(desk, "desk_move", both.pk, report=[reports_of(both)[1]], other=other)


def test_the_whole_story_becomes_one_with_another(desk):  # noqa: F811
    first, second = story("Bridge shut"), story("Alder bridge closes")
    assert "one story now" in post(desk, "desk_join", second.pk, other="Bridge shut")
    assert len(reports_of(first)) == 2
    assert desk.get(reverse("desk_story", args=[second.pk])).status_code == 404
    assert "No other story" in post(desk, "desk_join", first.pk, other=str(second.pk))


def test_an_older_act_is_not_undone_before_a_newer_one(desk):  # noqa: F811
    first, second = story("Bridge shut"), story("Alder bridge closes")
    page = post(desk, "desk_merge", story=[first.pk, second.pk])
    post(desk, "desk_split", first.pk, report=[reports_of(first)[1]])
    assert "Undo that first" in undo(desk, page) and Ruling.objects.filter(undone_at=None).count() == 2


def test_the_page_shows_copies_by_who_had_it_first_and_reasons(desk):  # noqa: F811
    both = story("Bridge shut", "Bridge is shut")
    original, copy = Member.objects.filter(story=both).order_by("-report__published_at")
    Member.objects.filter(pk=copy.pk).update(copy_of=original.report)
    for address in (reverse("desk_stories"), reverse("desk_story", args=[both.pk])):
        page = desk.get(address).content.decode()
        assert "same text as Alder Post, who had it first, 4 March, 13:00" in page and "It opened the story." in page


def test_what_speaks_for_a_story_is_told_in_words_and_hours(desk):  # noqa: F811
    story("Bridge shut", "Alder bridge closes", "Shut", at=now() - timedelta(hours=3))
    Feed.objects.filter(source__name="Quay Wire").update(gap_minutes=7 * 24 * 60)
    Feed.objects.filter(source__name="Alder Post").update(gap_minutes=60)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", desk.get("/stories/").content.decode()))
    assert "3 outlets +24 h" in page and "newest 3 hours ago" in page.replace("\xa0", " ")
    assert "rare outlet: Quay Wire, about 1 a week +12 h" in page and "since the last issue +" not in page
    closes = now() - timedelta(hours=6)
    Issue.objects.create(date=closes.date(), opens=closes - timedelta(days=1), closes=closes)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", desk.get("/stories/").content.decode()))
    assert "new since the last issue +12 h" in page


def test_the_last_issue_is_the_last_that_closed():
    assert last_closed(NOW) is None
    for day in (2, 3, 5):
        closes = datetime(2026, 3, day, 6, tzinfo=UTC)
        Issue.objects.create(date=closes.date(), opens=closes - timedelta(days=1), closes=closes)
    assert last_closed(NOW) == datetime(2026, 3, 3, 6, tzinfo=UTC)


def test_a_sure_series_shows_its_number_gaps_and_next(desk):  # noqa: F811
    for number in (3, 5, 9):
        one = story(f"Harbour Works Day {number}: cranes", at=NOW + timedelta(days=number))
        Member.objects.filter(story=one).update(series="Harbour Works", number=number)
    lone = story("Mill road, part 2")
    Member.objects.filter(story=lone).update(series="Mill road", number=2)
    page = desk.get("/stories/").content.decode()
    assert "Part 5 of the series “Harbour Works”" in page and "missing: 4, 6–8" in page and "next: 10" in page
    assert "the numbers of 3 parts rise with their dates" in page and "Mill road”" not in page


def test_a_series_that_dates_itself_shows_its_rhythm_gaps_and_next(desk):  # noqa: F811
    for day in (2, 3, 4, 6, 9):  # of March 2026: Monday to Wednesday, Friday, and the next Monday
        at = datetime(2026, 3, day, 6, tzinfo=UTC)
        one = story(f"Morning briefing, {day} March 2026", at=at)
        Member.objects.filter(story=one).update(series="Morning briefing", number=at.toordinal(), counting=1)
    page = desk.get("/stories/").content.decode()
    assert "“Morning briefing” of 9 March 2026, of a series that dates itself" in page
    assert "missing: 5 March" in page and "next: Tuesday, 10 March" in page
    assert "the dates of 5 parts rise as they come. It comes from Monday to Friday." in page


def test_a_series_without_a_name_is_an_outlets_own(desk):  # noqa: F811
    for number in (136, 137, 140):
        one = story(f"Day {number}: cranes", at=NOW + timedelta(days=number))
        Member.objects.filter(story=one).update(series="day …", number=number, counting=2)
    page = desk.get("/stories/").content.decode()
    assert "Part 140 of a series of Alder Post without a name (“day …”)" in page
    assert "missing: 138, 139" in page.replace("138–139", "138, 139") and "next: 141" in page
    outlet = Source.objects.create(name="Herald", slug="herald-2")
    last = Member.objects.get(number=140).report
    last.source = outlet
    last.save()
    assert "without a name" not in desk.get("/stories/").content.decode()


def test_of_many_gaps_the_last_are_shown():
    assert spans(range(1, 40, 2)) == "…, 29, 31, 33, 35, 37, 39" and spans([1, 2, 4]) == "1–2, 4" and spans([]) == ""


def test_an_article_leads_to_its_story_and_shows_its_place_in_the_series(desk):  # noqa: F811
    days = [story(f"Harbour Works Day {n}: cranes", at=NOW + timedelta(days=n)) for n in (3, 5)]
    article = take_story(days[1].pk, NOW)
    page = desk.get(f"/articles/edit/{article.pk}/").content.decode()
    assert reverse("desk_story", args=[days[1].pk]) in page
    assert "Part 5 of the series “Harbour Works”" in page and "missing: 4" in page and "next: 6" in page
    own = Article.objects.create(headline="Our own", slug="own")
    assert "The reports of its story" not in desk.get(f"/articles/edit/{own.pk}/").content.decode()


def test_strictness_is_chosen_in_words(desk):  # noqa: F811
    assert re.search(r'value="0" checked', desk.get("/stories/").content.decode()) and not Grouping.objects.exists()
    assert "grouped “strict”" in post(desk, "desk_strictness", strictness="2")
    assert "Choose one of the five" in post(desk, "desk_strictness", strictness="9")
    assert Grouping.objects.get().strictness == 2
    assert re.search(r'value="2" checked', desk.get("/stories/").content.decode())


def test_a_thousand_stories_cost_no_more_questions(desk, django_assert_max_num_queries):  # noqa: F811
    for number in range(30):
        story(f"Story {number}", f"Story {number} again")
    with django_assert_max_num_queries(30):
        desk.get("/stories/")
    with django_assert_max_num_queries(30):
        desk.get(reverse("desk_story", args=[Story.objects.first().pk]))
