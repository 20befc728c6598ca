"""Who may do what at the desk's newer screens: every address by GET and by POST, and buttons that are another's."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.http import urlencode
from test_desk_sources import NOW, make_feed

from handbill.desk.urls import urlpatterns
from handbill.sources.models import Feed

pytestmark = pytest.mark.django_db
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
SCREENS = [
    "desk_look",
    "desk_health",
    "desk_newsletters",
    "desk_clip",
    "desk_give_list",
    "desk_stories",
    "desk_delivery",
]


def addresses() -> list[str]:
    """Every address of the desk's own screens; rows are number 1."""
    return [reverse(each.name, args=[1] * len(each.pattern.converters)) for each in urlpatterns]


def person(name: str, *groups: str) -> Client:
    user = get_user_model().objects.create_user(name)
    user.groups.add(*Group.objects.filter(name__in=groups))
    client = Client()
    client.force_login(user)
    return client


def test_a_stranger_reaches_nothing(client):
    for address in addresses():
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 302 and answer["Location"].startswith("/login/"), address


def test_who_has_the_desk_but_no_right_does_nothing():
    make_feed()
    guest = person("guest")
    get_user_model().objects.get(username="guest").user_permissions.add(Permission.objects.get(codename="access_admin"))
    for address in addresses():
        for answer in (guest.get(address), guest.post(address, {"fix": "off", "number": 0})):
            refused = answer.status_code in (403, 404, 405) or answer["Location"] == "/"
            assert refused, f"{address} {answer.status_code}"
    assert Feed.objects.get().next_at == NOW


def test_a_moderator_without_a_role_of_ours_does_nothing():
    moderator = person("mo", "Moderators")
    for name in SCREENS:
        answer = moderator.get(reverse(name))
        assert answer.status_code == 403 or answer["Location"] == "/", name


def test_every_button_needs_its_token():
    make_feed()
    ada = Client(enforce_csrf_checks=True)
    user = get_user_model().objects.create_user("ada")
    user.groups.add(Group.objects.get(name="Editors"))
    ada.force_login(user)
    for address in addresses():
        assert ada.post(address, {"fix": "off"}).status_code in (403, 405), address
    assert Feed.objects.get().next_at == NOW


def test_get_writes_nothing():
    make_feed()
    ada = person("ada", "Editors")
    ada.get(reverse("desk_health"))  # the session's own rows
    for address in addresses():
        with CaptureQueriesContext(
            connection,
        ) as met:
            ada.get(f"{address}?{urlencode({'fix': 'off', 'address': 'https://x.example/', 'name': 'X'})}")
        written = [each["sql"] for each in met if each["sql"].startswith(WRITES)]
        assert written == [], address


def test_nobody_presses_anothers_undo():
    feed = make_feed()
    ada, bob = person("ada", "Editors"), person("bob", "Editors")
    done = ada.post(reverse("desk_mend", args=[feed.pk]), {"fix": "off"}, follow=True).content.decode()
    sealed = {"before": done.partition('name="before" value="')[2].partition('"')[0]}
    assert sealed["before"]
    assert "be undone any more" in bob.post(reverse("desk_unmend"), sealed, follow=True).content.decode()
    assert Feed.objects.get().next_at is None
    ada.post(reverse("desk_unmend"), sealed)
    assert Feed.objects.get().next_at == NOW
