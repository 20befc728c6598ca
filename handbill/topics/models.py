"""The subjects readers follow."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Topic(models.Model):
    """A subject with an archive, a feed and readers. Its slug is its address and never changes."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(max_length=80, unique=True, allow_unicode=True)
    position = models.PositiveIntegerField(default=0)
    retired = models.BooleanField(default=False, help_text="Takes no new articles or readers; its archive stays.")

    class Meta:
        ordering = ["position", "name"]
        verbose_name = _("topic")
        verbose_name_plural = _("topics")

    def __str__(self) -> str:
        return self.name
