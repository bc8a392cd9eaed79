"""The droplets, and who may log in to them."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator

from infra.fields import FROZEN, setting, text

GROUP = "Hosts and access"
SIZE = r"[a-z][a-z0-9]*(-[a-z0-9]+)+"


class Hosts(BaseModel):
    """How many droplets there are, of which kind, and who may log in."""

    model_config = FROZEN

    topology: Literal["single", "balanced"] = setting(
        "single",
        "How the site's hosts are arranged: single is everything on one droplet; balanced is an edge that "
        "spreads visitors over app hosts, and a data host behind them.",
        wanted="single or balanced",
        example="balanced",
        group=GROUP,
    )
    app_hosts: Annotated[int, Field(ge=1, le=20)] = setting(
        2,
        "How many droplets run the site (balanced). With fewer than before, the last ones are drained, then "
        "deleted.",
        wanted="a number from 1 to 20",
        example=3,
        group=GROUP,
    )
    droplet_size: Annotated[str, text(SIZE)] = setting(
        "s-1vcpu-2gb",
        "Size of a droplet; workers and caches are sized after it.",
        wanted="a size's slug at DigitalOcean",
        example="s-2vcpu-4gb",
        group=GROUP,
    )
    edge_size: Annotated[str, text(rf"({SIZE})?")] = setting(
        "",
        "Size of the edge (balanced); empty: as droplet_size says.",
        wanted="a size's slug at DigitalOcean",
        example="s-1vcpu-1gb",
        group=GROUP,
    )
    app_size: Annotated[str, text(rf"({SIZE})?")] = setting(
        "",
        "Size of an app host (balanced); empty: as droplet_size says.",
        wanted="a size's slug at DigitalOcean",
        example="s-2vcpu-2gb",
        group=GROUP,
    )
    data_size: Annotated[str, text(rf"({SIZE})?")] = setting(
        "",
        "Size of the data host (balanced); empty: as droplet_size says.",
        wanted="a size's slug at DigitalOcean",
        example="s-2vcpu-4gb",
        group=GROUP,
    )
    region: Annotated[str, text(r"[a-z]{3}[0-9]")] = setting(
        "fra1",
        "Where the droplets are.",
        wanted="a region's slug at DigitalOcean",
        example="nyc3",
        group=GROUP,
    )
    image: Literal["debian-13-x64", "debian-12-x64", "ubuntu-24-04-x64"] = setting(
        "debian-13-x64",
        "The system of a new droplet; a change leaves existing droplets alone.",
        wanted="debian-13-x64, debian-12-x64 or ubuntu-24-04-x64",
        example="debian-13-x64",
        group=GROUP,
    )
    reserved_ip: bool = setting(
        False,
        "Whether the site has an address that outlives the droplet that answers on it.",
        wanted="true or false",
        example=True,
        group=GROUP,
    )
    ssh_allowed: list[str] = setting(
        [],
        "Who may connect by SSH; the machine that runs Pulumi must be among them.",
        wanted="a list of at least one address or CIDR range",
        example=["203.0.113.7/32"],
        group=GROUP,
    )
    protect: bool = setting(
        False,
        "Refuse to delete or replace what holds data (its droplet, passwords, reserved address, zone).",
        wanted="true or false",
        example=True,
        group=GROUP,
    )

    @field_validator("ssh_allowed")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError("nobody")
        try:
            return list(dict.fromkeys(str(ip_network(entry.strip())) for entry in value))
        except ValueError as error:
            raise ValueError(str(error)) from None
