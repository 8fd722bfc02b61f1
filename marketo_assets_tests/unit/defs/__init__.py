"""Tests of marketo_assets/defs: what Dagster shows and does, without network."""
