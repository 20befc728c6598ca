"""What readers see changes by other ways than publishing: the name of a series, a picture. Each raises the edition."""

import pytest
from django.core.exceptions import PermissionDenied
from test_articles_actions import NOW, make_story
from test_site_build import picture
from wagtail.images import get_image_model

from handbill.articles import actions
from handbill.articles.models import Article, Series
from handbill.stories.models import Member, Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def live(**fields) -> Article:
    return Article.objects.create(headline="A", live=True, edition=1, published_at=NOW, **fields)


def editions() -> dict[str, int]:
    return dict(Article.objects.values_list("slug", "edition"))


def test_renaming_a_series_is_a_public_change_of_its_articles():
    series = Series.objects.create(name="Harbour Works")
    live(slug="in", series=series, series_number=1)
    Article.objects.create(headline="B", slug="draft", series=series, live=False)
    live(slug="out")
    series.save()
    assert editions() == {"in": 1, "draft": 0, "out": 1}, "nothing changed"
    series.name = "Harbour Day"
    series.save()
    assert editions() == {"in": 2, "draft": 0, "out": 1}


def test_another_file_for_a_picture_is_a_public_change_where_it_is_shown(media):
    image, other = (get_image_model().objects.create(title="x", file=picture(c)) for c in ("red", "blue"))
    live(slug="lead", image=image)
    live(slug="text", body=f'<p>x</p><embed alt="" embedtype="image" format="left" id="{image.pk}"/>')
    live(slug="other", image=other)
    image.get_rendition("max-1280x1600")
    image.renditions.all().delete()  # as Wagtail does when a file is replaced
    assert editions() == {"lead": 2, "text": 2, "other": 1}


def test_a_deleted_picture_leaves_the_public_pages(media):
    image = get_image_model().objects.create(title="x", file=picture("red"))
    live(slug="lead", image=image)
    image.get_rendition("max-1280x1600")
    image.delete()
    assert editions() == {"lead": 2} and Article.objects.get().image is None


def test_a_kill_between_taking_and_publishing_leaves_the_story_on_the_list(monkeypatch):
    story = make_story("Alder bridge closes")

    def dies(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(actions, "_publish", dies)
    with pytest.raises(KeyboardInterrupt):
        actions.take_story(story.pk, NOW, publish=True)
    assert not Article.objects.exists()


def test_a_story_whose_reports_are_gone_is_gone():
    story = make_story("Alder bridge closes")
    Member.objects.all().delete()
    with pytest.raises(Story.DoesNotExist):
        actions.take_story(story.pk, NOW)


def test_who_may_not_publish_does_not_withdraw(django_user_model):
    article = live(slug="a")
    with pytest.raises(PermissionDenied):
        actions.withdraw(article, django_user_model.objects.create_user("cy"))
    assert editions() == {"a": 1}
