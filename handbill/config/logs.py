"""What the log leaves out: Django logs the path of a request gone wrong, and the link of a reader or a hub is a key.

Nor does it keep an address, whoever typed it and wherever: what stands around an @ goes.
"""

import logging
import re

_PRIVATE = (
    "back|by-feed|confirm|data|erase|hooks|move|moved|pause|preferences|private-feed|resume|still|unsubscribe|websub"
    "|wishes"
)
_LINK = re.compile(rf"/({_PRIVATE})/[^/\s]+")
_ADDRESS = re.compile(r"[^\s/<>\"(),;:?&=]{1,64}(?:@|%40)[^\s/<>\"(),;:?&]+", re.IGNORECASE)


class WithoutTokens(logging.Filter):
    """Let every record pass, the token of a link and any address cut out of its text."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _ADDRESS.sub("…@…", _LINK.sub(r"/\1/…", record.getMessage())), ()
        return True
