"""All that a template of the letter can do: ``if``, ``for``, ``comment``, ``default``; nothing turns escaping off.

Registered for ``design`` alone; Django's own tags and filters, with which a template could load, include, or mark text
as safe, are not there (ADR-0095).
"""

from django.template import Library, defaultfilters, defaulttags

register = Library()
for name, tag in (("if", defaulttags.do_if), ("for", defaulttags.do_for), ("comment", defaulttags.comment)):
    register.tag(name, tag)
register.filter("default", defaultfilters.default)
