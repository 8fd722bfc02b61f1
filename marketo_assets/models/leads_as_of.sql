-- Leads as they were at a moment. Only what was told or read on the moment's own side of every gap of coverage counts.
CREATE OR REPLACE MACRO main.leads_as_of(ts) AS TABLE
WITH
-- No row where the moment lies before all coverage, or in a gap of it.
era AS (
    SELECT
        greatest(covered_from, (
            SELECT max(gap_to) FROM meta.coverage_gaps
            WHERE stream = 'lead_changes' AND missing = 'changes' AND gap_to <= CAST(ts AS TIMESTAMPTZ)
        )) AS begins_at,
        coalesce((
            SELECT min(gap_from) FROM meta.coverage_gaps
            WHERE stream = 'lead_changes' AND missing = 'changes' AND gap_from > CAST(ts AS TIMESTAMPTZ)
        ), TIMESTAMPTZ 'infinity') AS ends_at,
        -- A poll reads leads soon after its watermark; what was read much later waits for its changes to be polled.
        watermark + INTERVAL 1 HOUR AS polled_until
    FROM meta.watermarks
    WHERE stream = 'lead_changes' AND covered_from <= CAST(ts AS TIMESTAMPTZ) AND NOT EXISTS (
        SELECT 1 FROM meta.coverage_gaps
        WHERE stream = 'lead_changes' AND missing = 'changes'
            AND gap_from <= CAST(ts AS TIMESTAMPTZ) AND gap_to > CAST(ts AS TIMESTAMPTZ)
    )
),
-- A number is grouped and compared faster than a name. Fields that are read have the first ones.
numbers (field, number) AS (
    VALUES ${numbers}
),
last_told AS NOT MATERIALIZED (
    SELECT
        lead_id,
        number,
        coalesce(
            arg_max(coalesce(new_value, ''), changed_at) FILTER (changed_at <= CAST(ts AS TIMESTAMPTZ)),
            arg_min(coalesce(old_value, ''), changed_at)
                FILTER (changed_at > CAST(ts AS TIMESTAMPTZ) AND old_value_as_of >= era.begins_at)
        ) AS value,
        max(changed_at) AS told_at
    FROM raw.lead_field_changes JOIN numbers USING (field) CROSS JOIN era
    WHERE changed_at >= era.begins_at AND changed_at < era.ends_at
    GROUP BY lead_id, number
),
-- A lead that was read in a later second than all that was told of a field stands as it was read.
read AS NOT MATERIALIZED (
    SELECT version.id AS lead_id, date_trunc('second', version._as_of) AS read_at
    FROM (${readings}) AS version CROSS JOIN era
    WHERE version._as_of >= era.begins_at AND version._as_of < era.ends_at
        AND date_trunc('second', version._as_of) <= CAST(ts AS TIMESTAMPTZ)
),
told AS MATERIALIZED (
    SELECT last_told.lead_id, number, value
    FROM last_told
    ANTI JOIN read ON read.lead_id = last_told.lead_id AND read_at > told_at AND number < ${count_read}
    WHERE value IS NOT NULL
),
late AS (
    SELECT lead_id, max(activity_date) AS late_at
    FROM raw.lead_changes SEMI JOIN (${gone}) AS gone USING (lead_id)
    WHERE activity_date <= CAST(ts AS TIMESTAMPTZ)
    GROUP BY lead_id
),
found AS NOT MATERIALIZED (
    SELECT
        version.*,
        date_trunc('second', version._as_of) AS _read_at,
        late.late_at AS _late_at,
        coalesce(
            version._as_of >= era.begins_at AND version._as_of < era.ends_at
            AND (version._as_of <= CAST(ts AS TIMESTAMPTZ) OR version._as_of <= era.polled_until),
            false
        ) AS _is_known
    FROM (
        SELECT * FROM (${versions})
        UNION ALL BY NAME
        SELECT lead_id AS id, born_at AS createdAt FROM (${born}) AS born
        WHERE lead_id NOT IN (SELECT id FROM ${shown})
            AND lead_id NOT IN (SELECT id FROM ${past})
    ) AS version
    LEFT JOIN era ON true
    LEFT JOIN (${gone}) AS gone ON gone.lead_id = version.id
    LEFT JOIN late ON late.lead_id = version.id
    WHERE version.createdAt <= CAST(ts AS TIMESTAMPTZ)
        AND (gone.gone_at IS NULL OR gone.gone_at > CAST(ts AS TIMESTAMPTZ))
),
-- Values that are not known are left out here at once, instead of asked about for each value.
lead AS NOT MATERIALIZED (
    SELECT * FROM found WHERE _is_known
    UNION ALL BY NAME
    SELECT id, createdAt, _is_known FROM found WHERE NOT _is_known
)
SELECT
    ${values},
    lead._is_known AS _is_known
FROM lead
${joins}
