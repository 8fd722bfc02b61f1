"""The assets, one module for each step of the road: sources, landed exports, loaded months, published tables."""
