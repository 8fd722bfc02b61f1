-- What each field of a lead was before and after each second in which it changed, whatever happened within the second.
CREATE OR REPLACE VIEW raw.lead_field_changes AS
WITH
changes AS NOT MATERIALIZED (
    SELECT
        lead_id, field, activity_date AS changed_at, activity_type_id,
        coalesce(old_value, '') AS old, coalesce(new_value, '') AS new
    FROM raw.lead_changes
    WHERE field IS NOT NULL AND field NOT IN ('id', 'createdAt', 'updatedAt')
),
-- Nothing tells the order within a second. In most of them there is one change, and no question: those are set apart by
-- one number, since counting five million is dear. Two seconds of one number are only looked at without need.
crowded AS NOT MATERIALIZED (
    SELECT hash(lead_id, field, changed_at) AS second FROM changes GROUP BY ALL HAVING count(*) > 1
),
-- What two types of activities tell alike, Change Score and Change Data Value, happened once.
steps AS (
    SELECT lead_id, field, changed_at, old, new, max(times) AS times
    FROM (
        SELECT lead_id, field, changed_at, old, new, count(*) AS times
        FROM changes SEMI JOIN crowded ON second = hash(lead_id, field, changed_at)
        GROUP BY lead_id, field, changed_at, old, new, activity_type_id
    )
    GROUP BY ALL
),
-- Steps form a chain: what is left more often than entered is its beginning, what is entered more often its end.
ends AS (
    SELECT lead_id, field, changed_at, value, sum(surplus) AS surplus
    FROM (
        SELECT lead_id, field, changed_at, old AS value, times AS surplus FROM steps
        UNION ALL
        SELECT lead_id, field, changed_at, new, -times FROM steps
    )
    GROUP BY lead_id, field, changed_at, value
),
chains AS (
    SELECT
        lead_id, field, changed_at,
        CASE count(*) FILTER (surplus > 0) WHEN 1 THEN any_value(value) FILTER (surplus > 0) END AS old,
        CASE count(*) FILTER (surplus < 0) WHEN 1 THEN any_value(value) FILTER (surplus < 0) END AS new
    FROM ends
    GROUP BY ALL
),
-- A chain that returns to where it began, or lacks a link, is understood by what was before and after it.
doubtful AS (
    SELECT lead_id, field, changed_at FROM chains WHERE old IS NULL OR new IS NULL
),
neighbours AS (
    SELECT
        lead_id, field, changed_at,
        last_value(new IGNORE NULLS) OVER (
            PARTITION BY lead_id, field ORDER BY changed_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS held,
        first_value(old IGNORE NULLS) OVER (
            PARTITION BY lead_id, field ORDER BY changed_at ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS told
    FROM (
        SELECT lead_id, field, changed_at, old, new
        FROM changes ANTI JOIN crowded ON second = hash(lead_id, field, changed_at)
        UNION ALL
        SELECT lead_id, field, changed_at, old, new FROM chains
    )
    SEMI JOIN doubtful USING (lead_id, field)
),
shown AS (
    SELECT doubtful.lead_id, doubtful.field, doubtful.changed_at, ${read_value} AS value
    FROM doubtful JOIN (${versions}) AS version ON version.id = doubtful.lead_id
),
likely AS (
    SELECT
        ends.lead_id, ends.field, ends.changed_at,
        arg_max(ends.value, {
            'is_end': surplus > 0,
            'was_held': ends.value IS NOT DISTINCT FROM neighbours.held,
            'is_told': ends.value IS NOT DISTINCT FROM neighbours.told,
            'is_shown': neighbours.told IS NULL AND shown.lead_id IS NOT NULL
                AND ${plain_end} IS NOT DISTINCT FROM ${plain_shown},
            'value': ends.value
        }) AS old,
        arg_max(ends.value, {
            'is_end': surplus < 0,
            'is_told': ends.value IS NOT DISTINCT FROM neighbours.told,
            'is_shown': neighbours.told IS NULL AND shown.lead_id IS NOT NULL
                AND ${plain_end} IS NOT DISTINCT FROM ${plain_shown},
            'was_held': ends.value IS NOT DISTINCT FROM neighbours.held,
            'value': ends.value
        }) AS new,
        bool_and(surplus = 0) AS is_round
    FROM ends
    SEMI JOIN doubtful USING (lead_id, field, changed_at)
    JOIN neighbours USING (lead_id, field, changed_at)
    LEFT JOIN shown USING (lead_id, field, changed_at)
    GROUP BY ALL
),
told AS (
    SELECT lead_id, field, changed_at, old, new
    FROM changes ANTI JOIN crowded ON second = hash(lead_id, field, changed_at)
    UNION ALL
    SELECT lead_id, field, changed_at, old, new
    FROM chains ANTI JOIN doubtful USING (lead_id, field, changed_at)
    UNION ALL
    SELECT lead_id, field, changed_at, old, if(is_round, old, new) FROM likely
),
-- An activity that came after all explains a difference. So does that very change soon after the reading: what is read
-- is dated when the reading began, and an export, or an answer, takes its time.
unexplained AS (
    SELECT differences.*
    FROM raw.lead_differences AS differences
    WHERE field NOT IN ('id', 'createdAt', 'updatedAt') AND NOT EXISTS (
        SELECT 1
        FROM raw.lead_changes AS change
        WHERE change.lead_id = differences.lead_id AND change.field = differences.field
            AND change.activity_date >= differences.held_as_of - INTERVAL 1 SECOND
            AND change.activity_date <= differences.read_as_of + INTERVAL 1 DAY
            AND (change.activity_date <= differences.read_as_of OR (
                ${plain_left} IS NOT DISTINCT FROM ${plain_held} AND ${plain_entered} IS NOT DISTINCT FROM ${plain_read}
            ))
    )
)
SELECT
    lead_id, field, changed_at, nullif(old, '') AS old_value, nullif(new, '') AS new_value,
    changed_at AS old_value_as_of, 'activity' AS _evidence
FROM told
UNION ALL
SELECT
    lead_id, field, date_trunc('second', read_as_of), ${held}, ${read}, held_as_of, 'reading'
FROM unexplained
QUALIFY row_number() OVER (
    PARTITION BY lead_id, field, date_trunc('second', read_as_of) ORDER BY held_as_of DESC, _load_id DESC
) = 1
