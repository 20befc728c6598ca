"""The mail engine: stamps copies, talks to a relay, judges its answers. Free of Django; ``session`` has the socket."""
