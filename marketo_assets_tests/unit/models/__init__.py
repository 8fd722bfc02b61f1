"""Tests of marketo_assets/models, one file at a time, without network."""
