"""Tools that people run by hand; no test imports them."""
