"""``python -m handbill``: the same as the ``handbill`` command."""

from handbill.ops.cli import main

main()
