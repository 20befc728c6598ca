"""bench: what is measured, how, and against what. ``python -m bench [NAME] [--quick] [--json]``.

A bench is a module here with ``run(quick: bool) -> Iterable[Row]``. Peers run interleaved in the same run; CPU seconds
or ratios, since machines are noisy.
"""
