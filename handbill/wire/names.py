"""What elements mean, whatever format and namespace they come in: the tables of ``wire.xml_feed``. Pure.

A name is the element's own in lower case, with the usual prefix of its namespace: ``pubdate``, ``dc:creator``. The
formats' own namespaces have no prefix, so that RSS inside Atom and Atom inside RSS are read alike.
"""

from __future__ import annotations

from lxml import etree

SPACES = {
    "http://backend.userland.com/rss": "",
    "http://backend.userland.com/rss2": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://cyber.law.harvard.edu/rss/rss.html": "",
    "http://purl.org/rss/1.0/": "",
    "http://purl.org/net/rss1.1#": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://channel.netscape.com/rdf/simple/0.9/": "",
    "http://purl.org/rss/1.0/modules/rss091#": "",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "",
    "http://example.com/newformat#": "",
    "http://example.com/necho": "",
    "http://purl.org/echo/": "",
    "uri/of/echo/namespace#": "",
    "http://purl.org/pie/": "",
    "http://purl.org/atom/ns#": "",
    "http://www.w3.org/2005/atom": "",
    "http://purl.org/dc/elements/1.0/": "dc",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://purl.org/rss/1.0/modules/dcterms/": "dcterms",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://search.yahoo.com/mrss/": "media",
    "http://search.yahoo.com/mrss": "media",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes",
    "http://backend.userland.com/creativecommonsrssmodule": "creativecommons",
    "http://cyber.law.harvard.edu/rss/creativecommonsrssmodule.html": "creativecommons",
    "http://creativecommons.org/ns#": "cc",
    "http://creativecommons.org/ns#license": "cc",
    "http://web.resource.org/cc/": "cc",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://prismstandard.org/namespaces/basic/2.0/": "prism",
    "http://prismstandard.org/namespaces/1.2/basic/": "prism",
    "http://www.w3.org/xml/1998/namespace": "xml",
}

ENTRIES = frozenset({"item", "entry"})
KEYWORDS = frozenset({"keywords", "itunes:keywords", "media:keywords", "tags"})  # several in one element
FIELDS = {
    "title": ("title", "dc:title", "media:title", "itunes:title", "a"),  # the last in the first draft of CDF
    "id": ("guid", "id"),
    "published": (
        "pubdate",
        "published",
        "issued",
        "dcterms:issued",
        "prism:publicationdate",
    ),
    "dated": ("dc:date",),  # which doesn't say of what
    "created": ("created", "dcterms:created"),
    "updated": ("updated", "modified", "dcterms:modified", "lastbuilddate", "dc:modified"),
    "author": ("author", "dc:creator", "dc:author", "creator"),
    "speaker": ("itunes:author",),  # asked only where there is no author
    "category": ("category", "dc:subject", "subject", "media:category", "itunes:category", *sorted(KEYWORDS)),
    "summary": (
        "description",
        "summary",
        "abstract",
        "dc:description",
        "itunes:summary",
        "media:description",
        "dcterms:abstract",
    ),
    "content": ("content:encoded", "content", "body", "xhtml:body", "fullitem", "xhtml:div"),
    "licence": ("creativecommons:license", "cc:license", "media:license", "license"),
    "rights": ("rights", "copyright", "dc:rights", "media:copyright"),
    "language": ("language", "dc:language"),
    "link": ("link",),
    "enclosure": ("enclosure",),
    "medium": ("media:content",),
    "thumbnail": ("media:thumbnail",),
}
"""What is read of a feed or an entry, and from which elements, the likeliest first."""

MARKED = frozenset(
    {"description", "dc:description", "media:description", "content:encoded", "fullitem", "body"}
    | {"xhtml:body", "xhtml:div"}
)
"""These hold markup, unless they say otherwise."""

FIELD_OF = {name: field for field, listed in FIELDS.items() for name in listed}
LATEST_FIRST = frozenset(
    {"id", "published", "dated", "created", "updated"}
)  # outlets correct a date or an id by adding another
AS_WRITTEN = frozenset({"category", "summary", "content", "link", "enclosure", "medium", "thumbnail"})  # no name first
RANK = {name: rank for listed in FIELDS.values() for rank, name in enumerate(listed)}


class Names(dict[str, str]):
    """The names of one document's elements by their tags, learned as they come."""

    def __init__(self, root: etree._Element) -> None:
        super().__init__()
        self._spaces = {uri: "" if prefix is None else prefix for prefix, uri in root.nsmap.items()}

    def __missing__(self, tag: str) -> str:
        if not isinstance(tag, str):
            return ""  # an entity's reference, or another thing that is no element
        space, _, local = tag.rpartition("}")
        space = space[1:]
        prefix, _, bare = local.rpartition(":")  # where the prefix was never declared
        name = f"{prefix or self._prefix(space)}:{bare}".lower().removeprefix(":")
        self[tag] = name
        return name

    def _prefix(self, space: str) -> str:
        """The usual prefix, or the one the document gives to a namespace that nobody knows."""
        if not space:
            return ""
        known = SPACES.get(space.lower())
        return known if known is not None else self._spaces.get(space, "?")


class Fields(dict[str, str]):
    """The fields that one document's elements are read for, by their tags; "" for those nothing is read from."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, tag: str) -> str:
        field = FIELD_OF.get(self._names[tag], "")
        if isinstance(tag, str):
            self[tag] = field
        return field
