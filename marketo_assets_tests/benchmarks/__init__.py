"""What the bars say, measured by hand: each script prints its ratios."""
