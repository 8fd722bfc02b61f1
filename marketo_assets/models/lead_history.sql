-- What each field of a lead was, and from when until when, as far as it changed while changes were captured.
CREATE OR REPLACE VIEW main.lead_history AS
WITH
lives AS NOT MATERIALIZED (
    SELECT
        touched.lead_id,
        greatest(coalesce(version.createdAt, born.born_at), covered.covered_from) AS begins_at,
        gone.gone_at AS ends_at,
        date_trunc('second', version._as_of) AS read_at
    FROM (SELECT lead_id FROM raw.lead_changes UNION SELECT lead_id FROM raw.lead_differences) AS touched
    LEFT JOIN (${versions}) AS version ON version.id = touched.lead_id
    LEFT JOIN (${born}) AS born ON born.lead_id = touched.lead_id
    LEFT JOIN (${gone}) AS gone ON gone.lead_id = touched.lead_id
    CROSS JOIN (SELECT covered_from FROM meta.watermarks WHERE stream = 'lead_changes') AS covered
),
changes AS NOT MATERIALIZED (
    SELECT
        change.lead_id, change.field, changed_at, old_value, new_value, _evidence, begins_at, ends_at, read_at,
        lead(changed_at) OVER following AS next_at,
        lead(old_value) OVER following AS next_old_value,
        row_number() OVER following = 1 AS is_first
    FROM raw.lead_field_changes AS change JOIN lives USING (lead_id)
    WHERE changed_at > begins_at AND (ends_at IS NULL OR changed_at < ends_at)
        AND old_value IS DISTINCT FROM new_value
    WINDOW following AS (PARTITION BY change.lead_id, change.field ORDER BY changed_at)
),
-- The last value is the one that was read; usually it is the one that was told. What was read within the second of
-- the change and is the value before it was read before it.
compared AS NOT MATERIALIZED (
    SELECT *, has_reading AND ${plain_new} IS DISTINCT FROM ${plain_read}
        AND NOT (read_at = changed_at AND ${plain_old} IS NOT DISTINCT FROM ${plain_read}) AS is_read_otherwise
    FROM (
        SELECT
            changes.*,
            version.id IS NOT NULL AND changes.field IN (${read_fields}) AS has_reading,
            ${read_value} AS read_value
        FROM changes
        LEFT JOIN (${versions}) AS version
            ON version.id = changes.lead_id AND changes.next_at IS NULL AND changes.read_at >= changes.changed_at
    )
),
intervals AS NOT MATERIALIZED (
    SELECT
        lead_id, field, begins_at, ends_at,
        unnest(list_concat(
            CASE WHEN is_first THEN [{
                'value': old_value, 'valid_from': begins_at, 'valid_to': changed_at,
                'is_disputed': false, 'evidence': _evidence
            }] END,
            [{
                'value': new_value, 'valid_from': changed_at,
                'valid_to': coalesce(next_at, if(is_read_otherwise, read_at, NULL)),
                'is_disputed': next_at IS NOT NULL AND ${plain_new} IS DISTINCT FROM ${plain_next},
                'evidence': _evidence
            }],
            CASE WHEN is_read_otherwise THEN [{
                'value': read_value, 'valid_from': read_at, 'valid_to': NULL,
                'is_disputed': false, 'evidence': 'reading'
            }] END
        )) AS part
    FROM compared
)
SELECT
    lead_id,
    field,
    part.value AS value,
    part.valid_from AS valid_from,
    least(part.valid_to, ends_at) AS valid_to,
    part.is_disputed AS _is_disputed,
    EXISTS (
        SELECT 1
        FROM meta.coverage_gaps AS gap
        WHERE gap.stream = 'lead_changes' AND gap.missing = 'changes' AND gap.gap_to > part.valid_from
            AND gap.gap_from < coalesce(least(part.valid_to, ends_at), TIMESTAMPTZ 'infinity')
    ) AS _has_gap,
    part.evidence AS _evidence
FROM intervals
WHERE (ends_at IS NULL OR part.valid_from < ends_at) AND (part.valid_to IS NULL OR part.valid_to > part.valid_from)
    -- Always true: by it a release sees that fields are those of the last one, and makes nothing anew.
    AND ${mark} IS NOT NULL
