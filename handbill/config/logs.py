"""What the log leaves out: Django logs the path of a request gone wrong, and the link of a reader or a hub is a key."""

import logging
import re

_PRIVATE = "back|confirm|data|erase|hooks|move|moved|pause|preferences|resume|still|unsubscribe|websub"
_LINK = re.compile(rf"/({_PRIVATE})/[^/\s]+")


class WithoutTokens(logging.Filter):
    """Let every record pass, the token of a link cut out of its text."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _LINK.sub(r"/\1/…", record.getMessage()), ()
        return True
