"""Functions that look things up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from localengine.provider import ProviderError
from localengine.providers.digitalocean.api import Api
from localengine.providers.schema import Field, Fields

_FILTER = Field(
    kind="object",
    fields={
        "key": Field(required=True),
        "values": Field(kind="list", item=Field(), required=True),
        "all": Field(kind="bool"),
        "matchBy": Field(
            wrong=lambda way: None if way == "exact" else "the local engine compares exactly only"
        ),
    },
)
_SORT = Field(kind="object", fields={"key": Field(required=True), "direction": Field()})
_LIST_FIELDS: Fields = {
    "filters": Field(kind="list", item=_FILTER),
    "sorts": Field(kind="list", item=_SORT),
}


@dataclass(frozen=True, kw_only=True)
class Function:
    """What a function takes, and how it is answered."""

    fields: Fields
    answer: Callable[[Api, Mapping[str, Any]], dict[str, Any]]


def _domain(api: Api, args: Mapping[str, Any]) -> dict[str, Any]:
    found = (api.find(f"v2/domains/{args['name']}") or {}).get("domain")
    if found is None:
        raise ProviderError(f"there is no domain {args['name']} in this DigitalOcean account")
    name = found["name"]
    zone = {"ttl": found.get("ttl"), "zoneFile": found.get("zone_file") or ""}
    return {"id": name, "name": name, "domainUrn": f"do:domain:{name}"} | zone


def _account(api: Api, args: Mapping[str, Any]) -> dict[str, Any]:
    del args
    found = api.get("v2/account")["account"]
    return {
        "id": found["uuid"],
        "uuid": found["uuid"],
        "email": found["email"],
        "emailVerified": found["email_verified"],
        "dropletLimit": found["droplet_limit"],
        "floatingIpLimit": found["floating_ip_limit"],
        "status": found["status"],
        "statusMessage": found["status_message"],
    }


def _ssh_key(api: Api, args: Mapping[str, Any]) -> dict[str, Any]:
    found = _the_one("SSH key", "name", args["name"], api.pages("v2/account/keys", "ssh_keys"))
    same = {"name": found["name"], "fingerprint": found["fingerprint"], "publicKey": found["public_key"]}
    return {"id": found["id"]} | same


def _image(api: Api, args: Mapping[str, Any]) -> dict[str, Any]:
    given = [name for name in ("id", "slug", "name") if args.get(name) is not None]
    if len(given) != 1:
        raise ProviderError("getImage: give exactly one of id, slug, name")
    if given == ["name"]:
        source = args.get("source", "user")
        query = {
            "all": {},
            "user": {"private": "true"},
            "distributions": {"type": "distribution"},
            "applications": {"type": "application"},
        }.get(source)
        if query is None:
            raise ProviderError(
                f"getImage: source {source!r} is not all, user, distributions or applications"
            )
        found = _the_one("image", "name", args["name"], api.pages("v2/images", "images", **query))
    else:
        answer = api.find(f"v2/images/{args[given[0]]}")
        if answer is None:
            raise ProviderError(f"there is no image {args[given[0]]}")
        found = answer["image"]
    same = ("id", "name", "type", "distribution", "slug", "status", "description")
    return {name: found.get(name) for name in same} | {
        "image": str(found["id"]),
        "private": not found.get("public"),
        "minDiskSize": found.get("min_disk_size"),
        "sizeGigabytes": found.get("size_gigabytes"),
        "created": found.get("created_at"),
        "regions": found.get("regions") or [],
        "tags": found.get("tags") or [],
        "errorMessage": found.get("error_message") or "",
        "source": args.get("source", "user"),
    }


def _sizes(api: Api, args: Mapping[str, Any]) -> dict[str, Any]:
    same = ("slug", "available", "transfer", "memory", "vcpus", "disk", "regions")
    sizes = [
        {name: size.get(name) for name in same}
        | {"priceMonthly": size["price_monthly"], "priceHourly": size["price_hourly"], "gpuInfos": []}
        for size in api.pages("v2/sizes", "sizes")
    ]
    return {"id": "sizes", "sizes": _chosen(sizes, args)} | dict(args)


def _regions(api: Api, args: Mapping[str, Any]) -> dict[str, Any]:
    same = ("slug", "name", "available", "sizes", "features")
    regions = [{name: region.get(name) for name in same} for region in api.pages("v2/regions", "regions")]
    return {"id": "regions", "regions": _chosen(regions, args)} | dict(args)


def _chosen(rows: list[dict[str, Any]], args: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows that pass every filter, in the order asked for."""
    for condition in args.get("filters") or ():
        rows = [row for row in rows if _passes(_camel_value(row, condition["key"]), condition)]
    for order in reversed(args.get("sorts") or ()):
        key = partial(_camel_value, key=order["key"])
        rows = sorted(rows, key=key, reverse=order.get("direction") == "desc")
    return rows


def _passes(value: Any, condition: Mapping[str, Any]) -> bool:
    held = [_text(item) for item in value] if isinstance(value, list) else [_text(value)]
    wanted = [_text(item) for item in condition["values"]]
    return (
        all(item in held for item in wanted) if condition.get("all") else any(item in held for item in wanted)
    )


def _text(value: Any) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _camel_value(row: Mapping[str, Any], key: str) -> Any:
    """A property by its name in a filter, which is written `price_monthly`."""
    first, *rest = key.split("_")
    name = first + "".join(part.title() for part in rest)
    if name not in row:
        raise ProviderError(f"filter or sort: no property {key}; there are {', '.join(row)}")
    return row[name]


def _the_one(what: str, key: str, value: str, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found = [row for row in rows if row.get(key) == value]
    if len(found) != 1:
        raise ProviderError(f"there {'is no' if not found else 'are several'} {what} with the {key} {value}")
    return found[0]


_NAME = {"name": Field(required=True)}
_IMAGE = {"id": Field(kind="int"), "slug": Field(), "name": Field(), "source": Field()}
FUNCTIONS: Mapping[str, Function] = {
    "digitalocean:index/getAccount:getAccount": Function(fields={}, answer=_account),
    "digitalocean:index/getDomain:getDomain": Function(fields=_NAME, answer=_domain),
    "digitalocean:index/getImage:getImage": Function(fields=_IMAGE, answer=_image),
    "digitalocean:index/getRegions:getRegions": Function(fields=_LIST_FIELDS, answer=_regions),
    "digitalocean:index/getSizes:getSizes": Function(fields=_LIST_FIELDS, answer=_sizes),
    "digitalocean:index/getSshKey:getSshKey": Function(fields=_NAME, answer=_ssh_key),
}
