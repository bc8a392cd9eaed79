"""Laid beside a release, and run with the site's own Python (3.9 or newer) and Django."""
