"""Tests of marketo_assets/load, one file at a time, without network."""
