-- Leads as they are now: of each lead the row that was read last.
CREATE OR REPLACE VIEW main.leads AS
SELECT
    ${columns}
FROM raw.lead_snapshots AS snapshot
ANTI JOIN meta.superseded_rows AS superseded
    ON superseded.lead_id = snapshot.id AND superseded.load_id = snapshot._load_id
