"""Tests of marketo_assets/land, one file at a time, without network."""
