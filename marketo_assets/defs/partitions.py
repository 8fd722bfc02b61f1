"""Months: the partitions of everything that is exported by when it was created."""

import dagster as dg

from marketo_assets.settings import StartMonth, read_start_month

DEFAULT_START_ADVICE = (
    "No start month is known, so partitions begin in January 2020; leads created earlier are not copied. "
    "Run `marketo-assets doctor`, which finds and stores it, or set MARKETO_START_MONTH."
)


def months_from(start: StartMonth) -> dg.MonthlyPartitionsDefinition:
    """Return one partition for each calendar month in UTC from *start* to the running month, keyed `YYYY-MM`."""
    return dg.MonthlyPartitionsDefinition(start_date=start.month, fmt="%Y-%m", timezone="UTC", end_offset=1)


# Partitions are part of a definition, so these are the only settings that are read when definitions load.
START = read_start_month()
MONTHS = months_from(START)
