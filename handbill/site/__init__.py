"""site: the public pages, archives, feeds and search, built as files from the articles and served (ADR-0012)."""
