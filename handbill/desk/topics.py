"""Topics that the newsroom's own choices suggest, on an article's page: unticked, with how likely and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import Panel

from handbill.articles.teaching import topics_for
from handbill.kit.clock import now
from handbill.kit.text import language_direction
from handbill.stories.queries import WORTH_SHOWING, learning

_IN_WORDS: tuple[tuple[float, Promise | str], ...] = (
    (0.75, _("very likely")),
    (0.5, _("likely")),
    (0.25, _("possible")),
    (0.0, _("less likely")),
)


class SuggestedTopicsPanel(Panel):
    """Boxes that give the form's own field of topics; while too little is learned, how far that is."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "desk/suggested_topics.html"

        def is_shown(self) -> bool:
            return bool(self.instance.pk) and "topics" in self.form.fields

        def get_context_data(self, parent_context: Mapping[str, Any] | None = None) -> dict[str, Any]:
            ticked = {str(value) for value in self.form["topics"].value() or []}
            found = topics_for(self.instance, now())
            return {
                **super().get_context_data(parent_context),
                "suggested": [
                    (each, in_words(each.confidence), round(100 * each.confidence))
                    for each in found
                    if str(each.topic.pk) not in ticked and each.confidence >= WORTH_SHOWING
                ],
                "learning": learning(),
                "direction": language_direction(self.instance.language),
            }


def in_words(confidence: float) -> Promise | str:
    """How likely it is that an editor would choose the topic."""
    return next(words for least, words in _IN_WORDS if confidence >= least)
