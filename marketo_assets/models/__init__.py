"""MEAN: what people read, one .sql file per table or view, built from `raw`."""
