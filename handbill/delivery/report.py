"""What receiving providers did with the mail, as a file to publish: no address is in it."""

from __future__ import annotations

import csv
import dataclasses
import io
from datetime import date

from handbill.delivery.queries import provider_report
from handbill.delivery.records import ProviderTold


def report_csv(since: date) -> str:
    """``provider_report`` as CSV with a line of names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in dataclasses.fields(ProviderTold)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(one) for one in provider_report(since))
    return text.getvalue()
