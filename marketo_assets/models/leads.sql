-- Leads as they are now: of each lead the version that was read last, none of a lead that is gone.
CREATE OR REPLACE VIEW main.leads AS
SELECT
    ${columns}
FROM ${versions} AS version
ANTI JOIN meta.superseded_rows AS superseded
    ON superseded.lead_id = version.id AND superseded.load_id = version._load_id
