"""DigitalOcean on this machine: its HTTP API, droplets as containers, cloud firewalls, DNS."""
