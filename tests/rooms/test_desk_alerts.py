"""Alerts at the desk: what is asked, who would get it, the word that lets it go, and the one that takes it back."""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from test_desk_delivery import person, text_of
from test_digest_alerts import NOON, TEN, follow, publish

from handbill.articles.models import Article
from handbill.delivery.models import Body, Delivery
from handbill.desk import alerts as screen
from handbill.desk import issue
from handbill.digest import alerts
from handbill.digest.models import Alert
from handbill.subscribers.models import Subscriber
from handbill.topics.models import Topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch):
    def at(moment):
        for module in (screen, issue):
            monkeypatch.setattr(module, "now", lambda: moment)

    at(NOON)
    return at


@pytest.fixture
def ada(clock) -> Client:
    return person("ada", "Editors")


@pytest.fixture
def flood() -> Article:
    river, roads = (Topic.objects.create(name=name, slug=name.lower()) for name in ("River", "Roads"))
    return publish("River floods", NOON - timedelta(hours=1), river, roads, edition=1)


def asked(article: Article, topic: str = "River", subject: str = "") -> dict[str, object]:
    return {"article": article.pk, "topic": Topic.objects.get(name=topic).pk, "subject": subject}


def look(client: Client, article: Article, **more: str):
    return client.get(f"{reverse('desk_alert')}?{urlencode(asked(article, **more))}")


def test_from_the_article_to_sent_with_undo_used_once(ada, flood, clock):
    follow("bob", "river"), follow("cy", "roads"), follow("dee")
    assert f"{reverse('desk_alert')}?article={flood.pk}" in ada.get(f"/articles/edit/{flood.pk}/").content.decode()
    page = text_of(ada.get(reverse("desk_alerts")))
    assert "River floods" in page and "Roads: River floods" in page and "No alert has been sent yet." in page
    page = text_of(look(ada, flood))
    assert "2 readers get it at 22 November, 12:10, if you approve it now." in page
    assert '<th scope="row">follow other topics</th><td>1</td>' in page and "from 22:00 to 7:00" in page
    assert not Alert.objects.exists() and not Subscriber.objects.exclude(alerted="").exists()
    answer = ada.post(reverse("desk_alert_approve"), asked(flood, subject="Leave now"), follow=True)
    assert "For ten minutes, Undo stops it whole" in text_of(answer) and "Until 12:10:00" in text_of(answer)
    assert "Another" not in text_of(look(ada, flood)) and "sent to this topic" in text_of(look(ada, flood))
    first = Alert.objects.get()
    assert "Undone: nothing of it was sent." in text_of(
        ada.post(reverse("desk_alert_undo", args=[first.pk]), follow=True)
    )
    assert "Undone by ada" in text_of(ada.get(reverse("desk_alerts_now")))
    ada.post(reverse("desk_alert_approve"), asked(flood, subject="Leave now"))
    clock(NOON + TEN)
    assert "it goes within a minute" in text_of(ada.get(reverse("desk_alerts_now")))
    assert alerts.send_due(NOON + TEN) == 1
    second = Alert.objects.latest("pk")
    assert "too late to undo" in text_of(ada.post(reverse("desk_alert_undo", args=[second.pk]), follow=True))
    page = text_of(ada.get(reverse("desk_alerts")))
    assert "Handed over" in page and "2 readers" in page and "Leave now" in page
    assert "Alert: River floods" in text_of(ada.get(reverse("desk_delivery"))), "held and stopped there"
    ada.post(reverse("desk_hold"), {"mailing": alerts.reference(second), "why": "Wrong dyke"})
    assert "Wrong dyke" in text_of(ada.get(reverse("desk_delivery")))


def test_the_letter_is_shown_in_a_frame_in_which_nothing_runs_and_a_test_goes_to_who_asks(
    ada, flood, django_user_model
):
    answer = ada.get(f"{reverse('desk_alert_letter')}?{urlencode(asked(flood, subject='Leave now'))}")
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "Alert: River" in answer.content.decode() and "Leave now" in answer.content.decode()
    assert "no email address" in text_of(ada.post(reverse("desk_alert_test"), asked(flood), follow=True))
    django_user_model.objects.update(email="ada@paper.example")
    answer = ada.post(reverse("desk_alert_test"), asked(flood, subject="Leave now"), follow=True)
    assert "on its way to ada@paper.example" in text_of(answer) and "Leave now" in text_of(answer)
    assert Body.objects.get().subject == "[Test] Leave now" and Delivery.objects.get().mailing.kind == "test"
    assert not Alert.objects.exists()


def test_what_can_not_go_is_told_and_has_no_button(ada, flood, clock, settings):
    page = look(ada, flood).content.decode()
    assert "Nobody would get it" in page and re.search(r'id="approve" type="submit" disabled', page)
    follow("bob")
    settings.HANDBILL = replace(settings.HANDBILL, alerts_a_day=0)
    answer = ada.post(reverse("desk_alert_approve"), asked(flood), follow=True)
    assert "more alerts than alerts_a_day" in text_of(answer) and not Alert.objects.exists()


def test_what_was_dropped_says_why(ada, flood, clock):
    follow("bob")
    ada.post(reverse("desk_alert_approve"), asked(flood))
    Article.objects.update(live=False)
    alerts.send_due(NOON + TEN)
    page = text_of(ada.get(reverse("desk_alerts")))
    assert "Not sent" in page and "The article was not public any more." in page


@pytest.mark.parametrize(
    "given", ["", "article=x", "article=9", "article={a}&topic=9", "article={a}&topic=x&subject=%00"]
)
def test_a_forged_address_leads_nowhere_or_to_the_articles_own_topic(ada, flood, given):
    answer = ada.get(f"{reverse('desk_alert')}?{given.format(a=flood.pk)}")
    assert answer.status_code == (200 if "topic=x" in given else 404)
    ada.post(reverse("desk_alert_approve"), {"article": "x", "topic": "x"})
    assert not Alert.objects.exists()


def test_who_may_only_look_sends_nothing(ada, flood, django_user_model):
    follow("bob")
    looks = person("lea")
    rights = Permission.objects.filter(codename__in=["access_admin", "view_issue"])
    django_user_model.objects.get(username="lea").user_permissions.add(*rights)
    ada.post(reverse("desk_alert_approve"), asked(flood))
    page = text_of(looks.get(reverse("desk_alerts")))
    assert "River floods" in page and "<form" not in page.partition("<main")[2]
    looks.post(reverse("desk_alert_undo", args=[Alert.objects.get().pk]))
    looks.post(reverse("desk_alert_test"), asked(flood))
    looks.post(reverse("desk_alert_approve"), asked(flood, "Roads"))
    assert Alert.objects.get().state == "approved" and not Body.objects.filter(mailing__kind="test").exists()
    assert look(looks, flood).status_code in (302, 403)
    for name in ("desk_alert_approve", "desk_alert_test"):
        assert ada.get(reverse(name)).status_code == 405
