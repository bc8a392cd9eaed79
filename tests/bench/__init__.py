"""Measurements; run as `make bench`. Nothing here asserts a time."""
