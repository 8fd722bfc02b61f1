"""The switch that job pages of Dagster 1.13 show as "Auto-materialize off", though sensors have long taken its place.

Why touch it: published_tables_sensor works whatever it says, and whoever reads the page believes that nothing will.
"""

import dagster as dg

_SWITCH = "ASSET_DAEMON_PAUSED"


def show_automation_as_on(instance: dg.DagsterInstance) -> None:
    """Leave the switch on if nobody has ever touched it; nothing else about the instance changes."""
    storage = instance.daemon_cursor_storage
    if _SWITCH not in storage.get_cursor_values({_SWITCH}):
        storage.set_cursor_values({_SWITCH: "false"})
