"""How articles, series, topics and sources are listed and edited at the desk."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.filters import WagtailFilterSet
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import (
    FieldPanel,
    FieldRowPanel,
    MultiFieldPanel,
    ObjectList,
    PublishingPanel,
    TitleFieldPanel,
)
from wagtail.admin.rich_text import DraftailRichTextArea
from wagtail.admin.ui.tables import BooleanColumn, Column, DateColumn, LiveStatusTagColumn
from wagtail.admin.widgets.button import HeaderButton
from wagtail.snippets.views.snippets import IndexView, SnippetViewSet

from handbill.articles.models import RICH_TEXT, Article, Series
from handbill.articles.queries import NEEDS_A_LOOK
from handbill.desk.changes import AlteredColumn, AlteredPanel
from handbill.desk.menu import SOURCES_HOOK
from handbill.desk.notes import NotesPanel
from handbill.desk.told import ToldPanel
from handbill.desk.topics import SuggestedTopicsPanel
from handbill.kit.clock import now
from handbill.kit.urls import AddressRefused, read_address
from handbill.sources.actions import read_anew
from handbill.sources.models import Feed, Source
from handbill.topics.models import Topic
from handbill.topics.queries import live_topics

__all__ = ["VIEWSETS"]

_BACKDATE = _(
    "Empty: the moment of publishing. An earlier date moves the article to its place in the archives; one of more than"
    " two days ago isn't mailed any more."
)
_KIND = _("A feed says itself what it is; a page gives the articles it links to; a newsletter comes by mail.")
_SELECTOR = _(
    "For a page: the CSS selector of its links, such as: article h2 a. Empty: the links that look like articles."
    " “Add a source” shows what a selector gives while you write it."
)
_MATCHER = _("For a newsletter: the List-Id or the From address by which its mails are known.")
_INTERVAL = _("Empty: by the feed's own rhythm, which is best. A number keeps to it, whatever the feed does.")
_NEXT = _("Empty: switched off; a new feed: at once.")
_EXCERPT_WORDS = _(
    "At most so many words of a report are quoted; 0: only its headline. A licence that names fewer words, or that"
    " allows no derivatives, is obeyed too."
)
_FULL_TEXT = _(
    "Once for each new article, where its robots.txt allows, for outlets whose feeds carry teasers only. Their"
    " excerpts and grouping get better."
)
_RETIRED = _("Takes no new articles or readers; its archive stays.")


class ArticleForm(WagtailAdminModelForm):
    """Offers the topics that take new articles, and those the article has already; lets its date be moved back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("topics")
        if field is not None:
            had = [topic.pk for topic in self.instance.topics.all()] if self.instance.pk else []
            field.queryset = live_topics() | Topic.objects.filter(pk__in=had)
        if not self.instance.dated:
            self.initial["published_at"] = None

    def clean_published_at(self) -> datetime | None:
        """Empty keeps what is there, and so does the same minute: the field shows no seconds."""
        had: datetime | None = self.instance.published_at
        given: datetime | None = self.cleaned_data["published_at"]
        if given is None or (had and given == had.replace(second=0, microsecond=0)):
            return had
        latest = self.instance.first_published_at or now()
        if given > latest:
            raise ValidationError(_("The date can only be moved back: write %s or earlier.") % _written(latest))
        self.instance.dated = True
        return given


class SlugForm(WagtailAdminModelForm):
    """Lets the address be chosen once: readers keep it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "slug" in self.fields:
            self.fields["slug"].disabled = True


class FeedForm(WagtailAdminModelForm):
    """Reads the address as fetching does, and has a new feed fetched at once, one that is read otherwise read anew.

    A newsletter's address and times are not the editor's to change, and none is made here: its first mail does.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mailed = self.instance.kind == Feed.Kind.NEWSLETTER
        for name in ("kind", "address", "next_at", "selector", "interval_minutes"):
            self.fields[name].disabled = mailed
        if not mailed:
            self.fields["kind"].choices = [(kind.value, kind.label) for kind in (Feed.Kind.FEED, Feed.Kind.PAGE)]

    def clean_address(self) -> str:
        if self.instance.kind == Feed.Kind.NEWSLETTER:
            return self.instance.address
        try:
            return read_address(self.cleaned_data["address"]).text
        except AddressRefused as error:
            raise ValidationError(str(error)) from error

    def clean_next_at(self) -> datetime | None:
        given: datetime | None = self.cleaned_data["next_at"]
        return given or (None if self.instance.pk else now())

    def save(self, commit: bool = True) -> Feed:
        if {"address", "kind", "selector"} & set(self.changed_data):
            read_anew(self.instance)
        feed: Feed = super().save(commit)
        return feed


class ArticleFilter(WagtailFilterSet):
    """Narrow the list by topic and by what readers see."""

    topics = django_filters.ModelMultipleChoiceFilter(
        queryset=Topic.objects.all(), widget=forms.CheckboxSelectMultiple, label=_("Topic")
    )
    state = django_filters.ChoiceFilter(
        label=_("State"),
        method="by_state",
        choices=[
            ("live", _("Public")),
            ("draft", _("Draft, not public")),
            ("changed", _("Public, with a newer draft")),
            ("mail", _("Goes into the next issue")),
            ("look", _("Its source changed")),
        ],
        widget=forms.RadioSelect,
        empty_label=_("All"),
    )

    def by_state(self, rows: QuerySet[Article], name: str, value: str) -> QuerySet[Article]:
        return rows.filter(_STATES[value])

    class Meta:
        model = Article
        fields = ["topics", "state"]


_STATES: dict[str, Q] = {
    "live": Q(live=True),
    "draft": Q(live=False),
    "changed": Q(live=True, has_unpublished_changes=True),
    "mail": Q(live=True, in_digest=True),
    "look": NEEDS_A_LOOK,
}


def _written(moment: datetime) -> str:
    return localtime(moment).strftime("%Y-%m-%d %H:%M")


def _shown_date(article: Article) -> datetime | None:
    return article.published_at if article.dated else None


class OwnText(DraftailRichTextArea):
    """Wagtail's editor of text, which screen readers can name: it gives what one writes in no label of its own."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        self.options["ariaLabel"] = gettext("Text of your own")
        return super().get_context(name, value, attrs)


class ArticleViewSet(SnippetViewSet):
    """Articles: drafts, what is public, and what is scheduled."""

    model = Article
    edit_template_name = "desk/edit.html"
    url_prefix = "articles"
    icon = "doc-full"
    menu_label = _("Articles")
    menu_name = "articles"
    menu_order = 110
    add_to_admin_menu = True
    list_display = [
        "headline",
        "credit",
        DateColumn("published_at", label=_("Published"), sort_key="published_at", accessor=_shown_date),
        LiveStatusTagColumn(),
        AlteredColumn("altered", label=_("Source")),
    ]
    list_per_page = 50
    ordering = ["-pk"]
    filterset_class = ArticleFilter
    search_backend_name = None
    search_fields = ["headline", "excerpt"]
    copy_view_enabled = False
    edit_handler = ObjectList(
        [
            AlteredPanel(heading=_("The source has changed")),
            ToldPanel(heading=_("Where it comes from")),
            NotesPanel(heading=_("What is new, and corrections")),
            FieldPanel("headline"),
            FieldPanel("excerpt"),
            FieldPanel("topics", widget=forms.CheckboxSelectMultiple),
            SuggestedTopicsPanel(heading=_("Suggested topics")),
            FieldPanel("body", heading=_("Text of your own"), widget=OwnText(features=RICH_TEXT)),
            MultiFieldPanel(
                [FieldPanel("image"), FieldPanel("image_alt", heading=_("Description"))], heading=_("Picture")
            ),
            MultiFieldPanel(
                [
                    FieldRowPanel([FieldPanel("credit"), FieldPanel("licence")]),
                    FieldRowPanel([FieldPanel("source_address"), FieldPanel("language")]),
                ],
                heading=_("Credit"),
            ),
            MultiFieldPanel(
                [FieldRowPanel([FieldPanel("series"), FieldPanel("series_number")])],
                heading=_("Series"),
                classname="collapsed",
            ),
            FieldPanel("in_digest", heading=_("Goes into the next issue")),
            FieldPanel("published_at", heading=_("Backdate"), help_text=_BACKDATE),
            PublishingPanel(),
        ],
        base_form_class=ArticleForm,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        return AlteredColumn.rows()


class TopicViewSet(SnippetViewSet):
    """Topics that readers follow."""

    model = Topic
    url_prefix = "topics"
    icon = "tag"
    menu_order = 130
    add_to_admin_menu = True
    list_display = [
        "name",
        Column("position", label=_("Position"), sort_key="position"),
        BooleanColumn("retired", label=_("Retired"), sort_key="retired"),
    ]
    search_backend_name = None
    search_fields = ["name"]
    copy_view_enabled = False
    edit_handler = ObjectList(
        [
            TitleFieldPanel("name", targets=["slug"], classname="", heading=_("Name")),
            FieldPanel("slug", heading=_("Address"), help_text=_("Part of the topic's address; it never changes.")),
            FieldPanel("position", heading=_("Position"), help_text=_("Smaller numbers come first.")),
            FieldPanel("retired", heading=_("Retired"), help_text=_RETIRED),
        ],
        base_form_class=SlugForm,
    )


class SeriesViewSet(SnippetViewSet):
    """Series of articles that number themselves."""

    model = Series
    url_prefix = "series"
    icon = "list-ol"
    menu_label = _("Series")
    menu_order = 140
    add_to_admin_menu = True
    search_backend_name = None
    search_fields = ["name"]
    copy_view_enabled = False
    panels = [FieldPanel("name", heading=_("Name"))]


class SourceIndexView(IndexView):
    """The outlets; adding one begins with a look at its address."""

    @cached_property
    def header_buttons(self) -> list[HeaderButton]:
        look = HeaderButton(_("Add a source"), url=reverse("desk_look"), icon_name="plus")
        return [look] if self.request.user.has_perm("sources.add_feed") else []


class SourceViewSet(SnippetViewSet):
    """Outlets and how much of them may be quoted."""

    model = Source
    url_prefix = "sources"
    index_view_class = SourceIndexView
    icon = "globe"
    menu_label = _("Outlets")
    menu_name = "outlets"
    menu_order = 10
    menu_hook = SOURCES_HOOK
    list_display = ["name", "language", "licence", "excerpt_words"]
    search_backend_name = None
    search_fields = ["name", "address"]
    copy_view_enabled = False
    edit_handler = ObjectList(
        [
            TitleFieldPanel("name", targets=["slug"], classname=""),
            FieldPanel("slug"),
            FieldPanel("address"),
            FieldRowPanel([FieldPanel("language"), FieldPanel("licence")]),
            FieldPanel("excerpt_words", help_text=_EXCERPT_WORDS),
            FieldPanel("full_text", heading=_("Fetch each article's page"), help_text=_FULL_TEXT),
        ],
        base_form_class=SlugForm,
    )


class FeedViewSet(SnippetViewSet):
    """Addresses that are fetched; ``failure`` says what went wrong last."""

    model = Feed
    url_prefix = "feeds"
    icon = "rotate"
    menu_order = 50
    menu_hook = SOURCES_HOOK
    list_display = [
        "address",
        "source",
        "kind",
        DateColumn("newest_at", label=_("Newest entry"), sort_key="newest_at"),
        "failure",
    ]
    search_backend_name = None
    search_fields = ["address", "source__name", "failure"]
    copy_view_enabled = False
    edit_handler = ObjectList(
        [
            FieldPanel("source", heading=_("Outlet")),
            FieldPanel("kind", help_text=_KIND),
            FieldPanel("address"),
            FieldPanel("selector", help_text=_SELECTOR),
            FieldPanel("matcher", help_text=_MATCHER),
            FieldPanel("interval_minutes", heading=_("Minutes between visits"), help_text=_INTERVAL),
            FieldPanel("next_at", heading=_("Next fetch"), help_text=_NEXT),
        ],
        base_form_class=FeedForm,
    )


VIEWSETS = (ArticleViewSet, TopicViewSet, SeriesViewSet, SourceViewSet, FeedViewSet)
