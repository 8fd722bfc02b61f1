-- Leads that are no more: deleted, merged away, or not found for a day and explained by nothing.
CREATE OR REPLACE VIEW main.deleted_leads AS
WITH RECURSIVE
merged AS (
    SELECT loser_id, arg_min(winner_id, (merged_at, activity_guid)) AS winner_id, min(merged_at) AS merged_at
    FROM raw.lead_merges
    GROUP BY loser_id
),
-- A winner may have lost a later merge: whoever remains at the end of the chain counts.
chains AS (
    SELECT loser_id, winner_id, 1 AS steps FROM merged
    UNION
    SELECT chains.loser_id, merged.winner_id, chains.steps + 1
    FROM chains JOIN merged ON merged.loser_id = chains.winner_id
    WHERE merged.winner_id <> chains.loser_id AND chains.steps < 1000
),
gone AS (
    SELECT id, min(deleted_at) AS deleted_at
    FROM (
        SELECT lead_id AS id, deleted_at FROM raw.lead_deletions
        UNION ALL
        SELECT loser_id, merged_at FROM merged
        UNION ALL
        SELECT lead_id, first_missed_at FROM meta.missing_leads WHERE missed_at - first_missed_at >= INTERVAL 1 DAY
    )
    GROUP BY id
),
ends AS (
    SELECT loser_id AS id, arg_max(winner_id, steps) AS merged_into_id FROM chains GROUP BY loser_id
),
known AS (
    SELECT *
    FROM raw.past_lead_versions SEMI JOIN gone USING (id)
    QUALIFY row_number() OVER (
        PARTITION BY id ORDER BY _as_of DESC, _source = 'rest' DESC, _partition DESC NULLS LAST, _load_id DESC
    ) = 1
)
SELECT
    gone.id AS id,
    gone.deleted_at AS deleted_at,
    ends.merged_into_id AS merged_into_id,
    ${columns}
FROM gone
LEFT JOIN ends USING (id)
LEFT JOIN known AS version USING (id)
