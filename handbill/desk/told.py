"""On an article's page: the story it was made from, and where it stands in its series."""

from __future__ import annotations

from typing import Any

from wagtail.admin.panels import Panel

from handbill.desk.parts import spans
from handbill.stories import queries


class ToldPanel(Panel):
    """Shown for an article that was made of a story, or is in a series."""

    class BoundPanel(Panel.BoundPanel):
        template_name = "desk/told_panel.html"

        def is_shown(self) -> bool:
            return bool(self.instance.pk) and bool(self.instance.story_id or self.instance.series_id)

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            run = queries.series_run(self.instance.series.name) if self.instance.series_id else None
            missing = spans(run.missing) if run else ""
            return {**super().get_context_data(parent_context), "run": run, "missing": missing}
