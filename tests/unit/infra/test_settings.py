"""What a person may set, and what they are told when it is wrong."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
import yaml

from infra.fields import OfferedValue
from infra.settings import Settings, SettingsError, load
from provisioning.onhost.site.seatrial_wrap import offered_values
from tests.unit.infra.recording import PROJECT

LEAST: dict[str, Any] = {"repository": ".", "domain": "example.com", "ssh_allowed": ["203.0.113.7/32"]}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n"


def complaints(changes: dict[str, Any], **options: Any) -> list[str]:
    """The lines of the error that LEAST with some changes gives, without the first."""
    with pytest.raises(SettingsError) as raised:
        load({**LEAST, **changes}, **options)
    return [line.strip() for line in str(raised.value).splitlines()[1:]]


def test_three_settings_are_enough_for_a_site() -> None:
    settings = load(LEAST)
    assert settings.url == "http://example.com"
    assert settings.server_names == ("example.com",)
    assert (settings.topology, settings.database, settings.cache) == ("single", "postgres", "redis")


def test_a_stack_that_says_nothing_is_told_all_three_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load({}, stack="staging")
    first, *lines = str(raised.value).splitlines()
    assert first == "stack 'staging': 3 settings are wrong"
    assert [line.split(":")[0].strip() for line in lines] == ["domain", "repository", "ssh_allowed"]
    for line in lines:
        assert "is not set; wanted" in line
        assert "set it in Pulumi.staging.yaml: seatrial:" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("site_name", "Shop"),
        ("site_name", "1shop"),
        ("site_name", "shop-"),
        ("site_name", "a" * 25),
        ("site_name", "postgres"),
        ("repository", " "),
        ("repository", "--upload-pack=touch"),
        ("repository", "https://ana:hunter2@example.com/shop.git"),
        ("deploy_key", "ssh-ed25519 AAAA"),
        ("revision", "-x"),
        ("revision", "two words"),
        ("subdirectory", "../other"),
        ("subdirectory", "/srv"),
        ("requirements", "a/../../b.txt"),
        ("django_settings_module", "shop/settings.py"),
        ("wsgi_application", "shop.wsgi"),
        ("python_version", "2.7"),
        ("python_version", "three"),
        ("health_path", "healthz"),
        ("domain", "example"),
        ("domain", "exa_mple.com"),
        ("domain", "http://example.com"),
        ("host", "-"),
        ("host", "stag ing"),
        ("www", "maybe"),
        ("ttl", "29"),
        ("ttl", "forever"),
        ("url_port", "0"),
        ("url_port", "65536"),
        ("topology", "mesh"),
        ("app_hosts", "0"),
        ("app_hosts", "21"),
        ("edge_size", "big"),
        ("edges", "3"),
        ("edge_api", "api.digitalocean.com"),
        ("edge_api", "http://api.digitalocean.com"),
        ("edge_token", "dop_v1_in_the_open"),
        ("batch_size", "0"),
        ("drain_seconds", "601"),
        ("rate_limit", "-1"),
        ("verified_by", "two words"),
        ("allow_unverified", "two\nlines"),
        ("droplet_size", "big"),
        ("region", "Frankfurt"),
        ("image", "debian-11-x64"),
        ("ssh_allowed", []),
        ("ssh_allowed", ["203.0.113.300"]),
        ("ssh_allowed", ["203.0.113.7/8"]),
        ("ssh_allowed", "203.0.113.7"),
        ("database", "oracle"),
        ("cache", "memcached"),
        ("keep_releases", "1"),
        ("environment", {"NOT A NAME": "x"}),
        ("environment", {"FLAG": True}),
        ("environment", "A=b"),
        ("environment_names", {"SECRET": "DJANGO_SECRET"}),
        ("smtp", {"port": 25}),
        ("smtp", {"host": "mail.example.com", "port": 0}),
        ("smtp", {"host": "mail.example.com", "security": "ssl"}),
        ("hooks", {"after_release": ["a", "list"]}),
    ],
)
def test_a_wrong_setting_gives_one_line_with_its_name_what_is_allowed_and_how_to_set_it(
    name: str, value: Any
) -> None:
    (line,) = complaints({name: value}, stack="staging")
    assert line.startswith(name)
    assert "; wanted " in line
    assert "seatrial:" + name in line
    assert "Pulumi.staging.yaml" in line or "--stack staging" in line


def test_a_second_edge_needs_app_hosts_and_a_token() -> None:
    (line,) = complaints({"edges": "2", "topology": "balanced"}, stack="staging")
    assert line.startswith("edge_token: is not set; wanted a token of DigitalOcean's API with the scope ")
    assert line.endswith("config set --secret seatrial:edge_token --stack staging")
    (line,) = complaints({"edges": "2", "edge_token": "dop_v1_x"}, secret=["edge_token"])
    assert line.startswith("edges: '2' is not allowed (topology is single); wanted 1, or 2 where")


def test_a_token_is_a_secret_except_on_a_cloud_of_this_machine() -> None:
    two = {**LEAST, "topology": "balanced", "edges": "2"}
    assert load({**two, "edge_token": "dop_v1_x"}, secret=["edge_token"]).edges == 2
    assert load({**two, "edge_token": "local", "edge_api": "http://198.18.0.1:8790"}).edges == 2
    assert complaints({**two, "edge_token": "dop_v1_x"})


def test_the_line_shows_the_value_that_was_given() -> None:
    (line,) = complaints({"ttl": "5"})
    assert line.startswith("ttl: '5' is not allowed; wanted seconds from 30 to 86400;")


def test_all_wrong_settings_are_named_together_in_order() -> None:
    lines = complaints({"ttl": "5", "region": "x", "database": "oracle", "tll": "3"})
    assert [line.split(":")[0] for line in lines] == ["database", "region", "tll", "ttl"]


@pytest.mark.parametrize(("name", "meant"), [("droplet_sise", "droplet_size"), ("domian", "domain")])
def test_a_misspelt_setting_is_an_error_that_names_the_one_meant(name: str, meant: str) -> None:
    (line,) = complaints({name: "x"})
    assert f"{name}: no such setting, did you mean {meant}?" in line


def test_a_setting_like_no_other_is_an_error_without_a_guess() -> None:
    (line,) = complaints({"kubernetes": "yes"})
    assert "kubernetes: no such setting;" in line
    assert "did you mean" not in line


def test_a_misspelt_part_of_a_map_is_an_error_that_names_the_one_meant() -> None:
    (line,) = complaints({"hooks": {"after_relase": "true"}})
    assert "hooks.after_relase: no such part, did you mean after_release?" in line


def test_a_key_in_plain_text_is_refused_and_not_shown() -> None:
    (line,) = complaints({"deploy_key": KEY})
    assert "in plain text" in line
    assert "config set --secret seatrial:deploy_key" in line
    assert "BEGIN" not in line
    assert load({**LEAST, "deploy_key": KEY}, secret=["deploy_key"]).deploy_key.get_secret_value() == KEY


def test_a_mail_password_in_plain_text_is_refused_and_not_shown() -> None:
    smtp = {"host": "mail.example.com", "user": "shop", "password": "hunter2"}
    (line,) = complaints({"smtp": smtp})
    assert "config set --secret --path seatrial:smtp.password" in line
    assert "hunter2" not in line
    assert load({**LEAST, "smtp": json.dumps(smtp)}, secret=["smtp"]).smtp is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"deploy_key": "hunter2"},
        {"smtp": "password=hunter2"},
        {"smtp": {"host": "mail.example.com", "password": ["hunter2"]}},
        {"environment": ["hunter2"]},
        {"environment": {"TOKEN": ["hunter2"]}},
    ],
)
def test_no_complaint_shows_a_secret(changes: dict[str, Any]) -> None:
    assert "hunter2" not in "\n".join(complaints(changes, secret=list(changes)))


def test_a_secret_is_not_in_the_settings_own_text() -> None:
    smtp = {"host": "mail.example.com", "password": "hunter2"}
    settings = load({**LEAST, "smtp": smtp, "deploy_key": KEY}, secret=["smtp", "deploy_key"])
    assert "hunter2" not in repr(settings)
    assert "BEGIN" not in repr(settings)


@pytest.mark.parametrize("stack", ["production", "Production", "production-eu", "shop.prod"])
def test_test_commands_are_refused_on_a_production_stack(stack: str) -> None:
    (line,) = complaints({"allow_test_commands": "true", "verified_by": "staging"}, stack=stack)
    assert "allow_test_commands" in line
    assert "production" in line


def test_test_commands_are_allowed_elsewhere() -> None:
    assert load({**LEAST, "allow_test_commands": "true"}, stack="preproduction").allow_test_commands


def test_a_database_in_a_file_is_refused_where_several_hosts_need_it() -> None:
    (line,) = complaints({"topology": "balanced", "database": "sqlite"})
    assert line.startswith("database: 'sqlite' is not allowed (a file that the other hosts do not see)")
    assert load({**LEAST, "topology": "balanced"}).database == "postgres"


def test_lists_and_maps_may_come_as_json_text() -> None:
    settings = load(
        {**LEAST, "ssh_allowed": '["203.0.113.7"]', "environment": '{"PAGE": 20}', "smtp": "{}", "hooks": ""}
    )
    assert settings.ssh_allowed == ["203.0.113.7/32"]
    assert settings.environment == {"PAGE": "20"}
    assert settings.smtp is None


def test_the_same_addresses_written_differently_are_the_same_settings() -> None:
    written = load({**LEAST, "ssh_allowed": ["203.0.113.7", " 2001:DB8::1/128", "203.0.113.7/32"]})
    assert written.ssh_allowed == ["203.0.113.7/32", "2001:db8::1/128"]


@pytest.mark.parametrize(
    ("changes", "names", "url"),
    [
        ({}, ("example.com",), "http://example.com"),
        ({"www": "true"}, ("example.com", "www.example.com"), "http://example.com"),
        ({"host": "shop"}, ("shop.example.com",), "http://shop.example.com"),
        (
            {"host": "a.b", "www": "true"},
            ("a.b.example.com", "www.a.b.example.com"),
            "http://a.b.example.com",
        ),
        ({"domain": "Example.COM", "url_port": "8080"}, ("example.com",), "http://example.com:8080"),
    ],
)
def test_names_and_url_follow_from_domain_host_www_and_port(
    changes: dict[str, Any], names: tuple[str, ...], url: str
) -> None:
    settings = load({**LEAST, **changes})
    assert settings.server_names == names
    assert settings.url == url


def test_every_name_that_a_site_can_be_given_may_be_set_and_no_other() -> None:
    site = {
        "site": "shop",
        "url": "http://example.com",
        "server_names": ["example.com"],
        "secret_key": "x",
        "media_root": "/m",
        "cache": {"url": "redis://"},
        "database": {"engine": "postgres", "name": "n", "user": "u", "password": "p", "host": "h", "port": 1},
        "smtp": {"host": "h", "port": 1, "user": "u", "password": "p", "security": "tls", "sender": "s@h"},
        "environment_names": {},
        "environment": {},
    }
    assert set(offered_values(site, {"static_root": "/s"})) == set(get_args(OfferedValue))


@pytest.mark.parametrize("stack", ["local", "balanced", "staging", "production"])
def test_the_stacks_that_come_along_are_right_once_the_missing_three_are_set(stack: str) -> None:
    config = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    ours = {k.removeprefix("seatrial:"): v for k, v in config.items() if k.startswith("seatrial:")}
    load({**LEAST, **ours}, stack=stack)
    if stack in {"local", "balanced"}:
        load(ours, stack=stack)
    else:
        assert not set(LEAST) & set(ours)


def test_settings_cannot_be_changed_after_they_were_checked() -> None:
    settings = load(LEAST)
    with pytest.raises(ValueError, match="frozen"):
        settings.ttl = 5
    assert isinstance(settings, Settings)
