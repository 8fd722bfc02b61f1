"""Unit tests of the estimates."""
