"""Adobe Marketo Engage in DuckDB: exact, frugal, and readable at any moment.

The rooms follow the road of a record: api asks, extract plans, land keeps, load knows,
models mean, publish shows. Imports point only backwards along that road.
"""
