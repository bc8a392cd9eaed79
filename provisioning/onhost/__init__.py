"""What runs on a host: one verb of `seatrial-host` for each step of a release. Standard library only."""
