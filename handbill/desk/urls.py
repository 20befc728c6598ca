"""The desk's own screens; Wagtail asks for access to the desk before each of them."""

from django.urls import path

from handbill.desk import answer, changes, clip, health, newsletters, rulings, sources, views

urlpatterns = [
    path("stories/", views.StoriesView.as_view(), name="desk_stories"),
    path("stories/<int:story_id>/take/", views.take, name="desk_take"),
    path("stories/<int:story_id>/dismiss/", views.dismiss, name="desk_dismiss"),
    path("stories/<int:story_id>/restore/", views.restore, name="desk_restore"),
    path("stories/merge/", rulings.merge, name="desk_merge"),
    path("stories/strictness/", rulings.set_strictness, name="desk_strictness"),
    path("stories/<int:story_id>/", rulings.StoryView.as_view(), name="desk_story"),
    path("stories/<int:story_id>/join/", rulings.join, name="desk_join"),
    path("stories/<int:story_id>/split/", rulings.split, name="desk_split"),
    path("stories/<int:story_id>/move/", rulings.move, name="desk_move"),
    path("stories/rulings/<int:ruling_id>/undo/", rulings.undo, name="desk_unrule"),
    path("stories/undo/<int:article_id>/", views.undo_take, name="desk_undo_take"),
    path("reports/<int:report_id>/changes/", changes.ChangesView.as_view(), name="desk_changes"),
    path("reports/<int:report_id>/changes/seen/", changes.seen, name="desk_changes_seen"),
    path("sources/look/", sources.LookView.as_view(), name="desk_look"),
    path("sources/links/", sources.PickView.as_view(), name="desk_pick"),
    path("sources/links/preview/", sources.preview, name="desk_pick_preview"),
    path("sources/chosen/", sources.add, name="desk_add"),
    path("sources/take-list/", sources.take_list, name="desk_take_list"),
    path("sources/sources.opml", sources.give_list, name="desk_give_list"),
    path("sources/health/", health.HealthView.as_view(), name="desk_health"),
    path("sources/health/<int:feed_id>/", health.mend, name="desk_mend"),
    path("sources/health/undo/", health.unmend, name="desk_unmend"),
    path("sources/newsletters/", newsletters.NewslettersView.as_view(), name="desk_newsletters"),
    path("sources/newsletters/add/", newsletters.add, name="desk_newsletter_add"),
    path("sources/newsletters/<int:held_id>/assign/", newsletters.assign, name="desk_newsletter_assign"),
    path("sources/newsletters/<int:held_id>/discard/", newsletters.discard, name="desk_newsletter_discard"),
    path("sources/newsletters/<int:held_id>/restore/", newsletters.restore, name="desk_newsletter_restore"),
    path("answer/", answer.AnswerView.as_view(), name="desk_answer"),
    path("clip/", clip.ClipView.as_view(), name="desk_clip"),
    path("clip/preview/", clip.preview, name="desk_clip_preview"),
    path("clip/keep/", clip.keep, name="desk_clip_keep"),
]
