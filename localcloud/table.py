"""`status` for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def table(described: dict[str, Any]) -> str:
    """What an instance is and has, as lines to read."""
    name = described["name"]
    if "api_url" not in described:
        return f"local cloud {name} does not exist yet; start it: python -m localcloud start --name {name}"
    running = f"runs (pid {described['pid']})" if described["running"] else "does not run"
    lines = [
        f"local cloud {name} {running}",
        f"  API         {described['api_url']}  (token: {described['token']})",
        f"  https       {described['api_https_url']}  (CA: {described['ca_file']})",
        f"  DNS         {described['dns']}  (UDP and TCP)",
        f"  sites       http port {described['front_http_port']}, https port {described['front_https_port']}",
        f"  network     {described['public_network']}, this machine is {described['gateway']} in it",
        f"  log         {described['log']}",
    ]
    if described["api_only"]:
        lines.append("  started with --api-only: no droplets can be made")
    domains = ", ".join(f"{domain} ({count} records)" for domain, count in described["domains"].items())
    lines.append(f"  domains     {domains or 'none'}")
    rows = [
        (
            str(droplet["id"]),
            droplet["name"],
            droplet["status"],
            droplet["size"],
            droplet["image"],
            " ".join([droplet["public_address"], *droplet["reserved_ips"]]),
            droplet["private_address"],
            " ".join(droplet["tags"]) or "-",
        )
        for droplet in described["droplets"]
    ]
    if rows:
        head = ("DROPLET", "NAME", "STATUS", "SIZE", "IMAGE", "PUBLIC", "PRIVATE", "TAGS")
        lines += ["", *_columns([head, *rows])]
    else:
        lines.append("  droplets    none")
    if described["failures"]:
        lines += ["", "what went wrong lately:"]
        lines += [f"  {each['at']}  {each['what']}: {each['why']}" for each in described["failures"][-5:]]
    return "\n".join(lines)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
