"""What happens by itself: the published tables follow the loads, and exports rest while a quota is spent."""

import dagster as dg

from marketo_assets.defs.alerts import failure_alerts
from marketo_assets.defs.export_gate import export_quota_gate

_Condition = dg.AutomationCondition[dg.AssetKey]

# Once all months that are being loaded are in, and every hour while a backfill goes on: a backfill of 24 months
# makes one run of these tables, not 24. Months that were never loaded do not hold them up.
AFTER_LOADS = (
    _Condition.eager()
    .without(~_Condition.any_deps_missing())
    .without(~_Condition.any_deps_in_progress())
    .__and__(~_Condition.any_deps_in_progress() | _Condition.cron_tick_passed("0 * * * *"))
    .with_label("after loads, and hourly during a backfill")
)

published_tables_sensor = dg.AutomationConditionSensorDefinition(
    "published_tables_sensor",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Shows what was loaded: materializes the tables that people read (marketo/leads, those of activities "
    "and of reference objects) once what they are made of has news, and hourly during a backfill. Makes no call.",
)
SENSORS = (published_tables_sensor, export_quota_gate, failure_alerts)
