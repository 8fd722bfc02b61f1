"""Ask Marketo: the client, and nothing of Dagster or DuckDB.

Start at `client.MarketoClient`. Every call takes a reservation from `limits.Ledger` first, every refusal becomes one
class of `errors.MarketoError`, and one loop (`retrying`) repeats what may be repeated.
The endpoints stand in `lead_database`, `activities`, `bulk_extract`, `export_file`, `asset_api` and `usage`.
"""
