"""config: composes the rooms into one Django project: settings, addresses, panels. No domain logic."""
