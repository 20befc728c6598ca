"""kit: what every room may use and what knows no room: settings, clock, keys, crypto, text, the guarded HTTP client.

Pure Python without Django; only ``http`` and ``keys`` touch the outside world.
"""
