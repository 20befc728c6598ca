"""topics: the subjects readers follow, and what every public page has in common (`paper`)."""
