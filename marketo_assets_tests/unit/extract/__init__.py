"""Tests of marketo_assets/extract, one file at a time, without network."""
