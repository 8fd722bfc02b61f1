-- Leads as they are now. Compaction has left of each lead the version that was read last, none of a lead that is gone.
CREATE OR REPLACE VIEW main.leads AS
SELECT
    ${columns}
FROM raw.lead_versions AS version
