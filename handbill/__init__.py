"""Handbill: a newsroom's own daily paper."""

__version__ = "0.1.0"
