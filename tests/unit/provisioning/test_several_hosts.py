"""A rollout over several hosts behind edges: in which order what is done, and how all of it goes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning import source
from provisioning.remote import HostFailure
from tests.unit.provisioning.pretend import COMMIT, AppHost, World, entry, request_for, world


@pytest.fixture(autouse=True)
def code_without_a_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "archive", lambda *_, **__: iter([b"code"]))


def test_every_host_is_built_before_one_is_switched_and_each_leaves_and_joins_the_edge() -> None:
    site = world(3)
    document = site.run()
    assert site.order("edge-drain", "edge-ready", "switch") == [
        "edge-1 drain app-1",
        "app-1 switch",
        "edge-1 ready app-1",
        "edge-1 drain app-2",
        "app-2 switch",
        "edge-1 ready app-2",
        "edge-1 drain app-3",
        "app-3 switch",
        "edge-1 ready app-3",
    ]
    first_switch = [verb for _, verb, _ in site.said].index("switch")
    assert [verb for _, verb, _ in site.said[:first_switch]].count("build") == 3
    assert [verb for _, verb, _ in site.said[:first_switch]].count("start") == 3
    verbs = [verb for _, verb, _ in site.said if verb in ("build", "migrate", "start")]
    assert verbs == [*["build"] * 3, "migrate", *["start"] * 3]
    assert set(site.live().values()) == {document["release"]["id"]}
    assert set(site.edges["edge-1"].values()) == {"UP"}
    facts = document["rollout"]["hosts"]["app-2"]
    assert {"build_seconds", "leave_seconds", "healthy_seconds", "rejoin_seconds", "drain_seconds"} <= {
        *facts
    }


def test_a_release_with_the_same_migrations_starts_while_the_database_is_looked_at() -> None:
    site = world(3)
    site.migrations = "as before"
    assert "migrate" not in site.run()["rollout"]["seconds"]
    assert [verb for _, verb, _ in site.said].count("migrate") == 1


def test_a_hook_after_the_migration_comes_before_the_release_starts_anywhere(tmp_path: Path) -> None:
    site = world(3)
    site.migrations = "as before"
    seen = tmp_path / "seen"
    site.after |= {(name, "start"): seen.touch for name in site.hosts}
    document = site.run(hooks={"after_migrate": f"test ! -e {seen}"})
    assert "migrate" in document["rollout"]["seconds"]
    assert seen.exists()


def test_where_the_database_can_not_be_looked_at_what_was_started_ends_and_nothing_is_switched() -> None:
    site = world(3)
    site.migrations = "as before"
    for host in site.hosts.values():
        host.refuses["migrate"] = "the database does not answer"
    failed = site.failing()
    assert failed.failure.cause == "the database does not answer"
    assert site.order("switch", "edge-drain") == []
    assert {*site.order("restore")} == {f"{name} restore" for name in site.hosts}


def test_the_new_releases_static_files_are_on_all_hosts_before_the_first_switch() -> None:
    site = world(3)
    site.run()
    verbs = [(host, verb) for host, verb, _ in site.said]
    before = verbs[: verbs.index(("app-1", "switch"))]
    assert {host for host, verb in before if verb == "announce"} == {"app-1", "app-2", "app-3"}


def test_the_site_is_measured_from_before_the_first_host_leaves_until_after_the_smoke_test() -> None:
    site = world(2)
    site.run()
    said = site.order("probe", "edge-drain", "smoke", "settle")
    assert said[0] == "visitors probe"
    assert said.index("visitors smoke") > said.index("edge-1 drain app-2")
    assert said.index("app-1 settle") > said.index("visitors smoke")


def test_two_edges_are_both_told_of_every_host() -> None:
    site = world(2, edges=2)
    site.run()
    said = site.order("edge-drain", "edge-ready", "switch")
    assert {*said[:2]} == {"edge-1 drain app-1", "edge-2 drain app-1"}
    assert said[2] == "app-1 switch"
    assert {*said[3:5]} == {"edge-1 ready app-1", "edge-2 ready app-1"}


def test_hosts_are_switched_in_batches_that_leave_one_serving() -> None:
    site = world(3)
    site.run(batch_size=5)
    said = site.order("edge-drain", "switch")
    assert said[:2] == ["edge-1 drain app-1", "edge-1 drain app-2"]
    assert {*said[2:4]} == {"app-1 switch", "app-2 switch"}
    assert said[4:] == ["edge-1 drain app-3", "app-3 switch"]


def test_the_only_host_that_serves_is_switched_without_leaving() -> None:
    site = world(1)
    document = site.run()
    assert site.live()["app-1"] == document["release"]["id"]
    assert "leave_seconds" not in document["rollout"]["hosts"]["app-1"]


def test_hosts_without_an_edge_before_them_are_switched_as_they_are() -> None:
    site = world(1, edges=0)
    document = site.run()
    assert site.live() == {"app-1": document["release"]["id"]}


def test_a_host_that_breaks_takes_all_before_it_back_the_last_one_first() -> None:
    site = world(3)
    site.hosts["app-3"].refuses["switch"] = "the health check failed"
    failed = site.failing()
    assert failed.failure.host == "app-3"
    assert site.live() == dict.fromkeys(site.hosts, "old")
    assert set(site.edges["edge-1"].values()) == {"UP"}
    began = [verb for _, verb, _ in site.said].index("restore")
    back = World(site.hosts, site.edges, said=site.said[began:])
    assert back.order("restore", "edge-drain", "edge-ready") == [
        "app-3 restore",
        "edge-1 ready app-3",
        "edge-1 drain app-2",
        "app-2 restore",
        "edge-1 ready app-2",
        "edge-1 drain app-1",
        "app-1 restore",
        "edge-1 ready app-1",
    ]
    assert "app-1 was put back to old" in failed.notes


def test_a_release_that_does_not_start_on_one_host_leaves_every_host_serving() -> None:
    site = world(3)
    site.hosts["app-2"].refuses["start"] = "gunicorn did not start"
    failed = site.failing()
    assert (failed.phase, failed.failure.host) == ("start", "app-2")
    assert not site.order("switch", "edge-drain")
    assert site.live() == dict.fromkeys(site.hosts, "old")
    assert not any(host.started for host in site.hosts.values())
    assert not any("put back" in note for note in failed.notes)


def test_what_was_live_before_is_remembered_through_a_release_that_failed() -> None:
    site = world(2)
    site.hosts["app-2"].refuses["switch"] = "the health check failed"
    site.failing()
    assert {host.previous for host in site.hosts.values()} == {"older"}


def test_a_smoke_test_that_fails_takes_every_host_back() -> None:
    site = world(3)

    def fails() -> None:
        raise HostFailure("edge-1", "from outside, GET / answered 500")

    site.smoke = fails
    failed = site.failing()
    assert failed.phase == "smoke"
    assert site.live() == dict.fromkeys(site.hosts, "old")
    assert set(site.edges["edge-1"].values()) == {"UP"}
    assert site.told("app-1").count("settle") == 0
    assert not any(host.lock for host in site.hosts.values())


def test_an_edge_that_is_lost_on_the_way_is_said_and_the_hosts_go_back_all_the_same() -> None:
    site = world(2)
    site.after[("app-1", "switch")] = lambda: site.unreachable.add("edge-1")
    failed = site.failing()
    assert failed.failure.host == "edge-1"
    assert site.live() == dict.fromkeys(site.hosts, "old")
    assert any("app-1 went back with visitors on: edge-1" in note for note in failed.notes)
    assert any("app-1 was put back, but gets no visitors: edge-1" in note for note in failed.notes)


def test_a_host_that_is_lost_on_the_way_gets_no_visitors_and_the_others_go_back() -> None:
    site = world(3)
    site.after[("app-2", "switch")] = lambda: site.unreachable.add("app-2")
    site.hosts["app-3"].refuses["switch"] = "the health check failed"
    failed = site.failing()
    assert site.live()["app-1"] == site.live()["app-3"] == "old"
    assert site.edges["edge-1"] == {"app-1": "UP", "app-2": "DRAIN", "app-3": "UP"}
    assert any(note.startswith("app-2 could not be put back, and gets no visitors") for note in failed.notes)


def test_an_edge_that_cannot_be_reached_is_told_before_anything_changes() -> None:
    site = world(2)
    site.unreachable.add("edge-1")
    failed = site.failing()
    assert failed.refused
    assert failed.failure.host == "edge-1"
    assert not {"build", "migrate", "switch"} & {verb for _, verb, _ in site.said}


def test_an_edge_that_does_not_know_a_host_refuses_the_release() -> None:
    site = world(2)
    del site.edges["edge-1"]["app-2"]
    failed = site.failing()
    assert failed.refused
    assert "knows no app host app-2" in failed.failure.cause


def test_failures_of_several_hosts_are_all_told() -> None:
    site = world(3)
    for name in ("app-1", "app-3"):
        site.hosts[name].refuses["build"] = f"no room on {name}"
    failed = site.failing()
    assert failed.failure.cause == "no room on app-1"
    assert [other.cause for other in failed.failure.also] == ["no room on app-3"]


def serving(site: World, release: str = "now") -> World:
    """The site with a release live that is built of the very commit that is asked for."""
    key = request_for(site).build_key
    for host in site.hosts.values():
        host.releases = [entry("older"), entry("old"), entry(release, COMMIT, key)]
        host.live, host.previous = release, "old"
    return site


def test_more_hosts_are_built_and_switched_and_the_others_are_left_alone() -> None:
    site = serving(world(4))
    for name in ("app-3", "app-4"):
        site.hosts[name] = AppHost(releases=[], live="", previous=None)
        site.edges["edge-1"][name] = "DOWN"
    site.run()
    assert set(site.live().values()) == {"now"}
    assert set(site.edges["edge-1"].values()) == {"UP"}
    for name in ("app-1", "app-2"):
        assert {*site.told(name)} == {"preflight", "lock", "prune", "unlock"}
    assert "edge-1 drain app-1" not in site.order("edge-drain")
    assert {*site.order("switch")} == {"app-3 switch", "app-4 switch"}


def test_a_new_host_gets_the_release_before_too_so_that_it_can_go_back_with_the_others() -> None:
    site = serving(world(2))
    site.hosts["app-2"] = AppHost(releases=[], live="", previous=None)
    site.edges["edge-1"]["app-2"] = "DOWN"
    site.run()
    assert [known["id"] for known in site.hosts["app-2"].releases] == ["now", "old"]
    announced = [facts for host, verb, facts in site.said if (host, verb) == ("app-2", "announce")]
    assert announced[0]["previous"] == "old"


def test_a_new_host_whose_release_fails_is_taken_off_before_it_stops() -> None:
    site = serving(world(2))
    site.hosts["app-2"] = AppHost(releases=[], live="", previous=None)
    site.edges["edge-1"]["app-2"] = "DOWN"

    def fails() -> None:
        raise HostFailure("edge-1", "from outside, GET / answered 500")

    site.smoke = fails
    site.failing()
    assert site.order("edge-drain", "restore") == ["edge-1 drain app-2", "app-2 restore"]
    assert site.live() == {"app-1": "now", "app-2": ""}
    assert site.edges["edge-1"] == {"app-1": "UP", "app-2": "DRAIN"}


def test_a_first_release_goes_to_all_hosts_at_once() -> None:
    site = World(
        {f"app-{number}": AppHost([], "", None) for number in (1, 2)},
        {"edge-1": {"app-1": "DOWN", "app-2": "DOWN"}},
    )
    site.run()
    assert not site.order("edge-drain")
    assert {*site.order("switch", "edge-ready")[:2]} == {"app-1 switch", "app-2 switch"}


def test_a_host_that_an_interrupted_release_left_out_serves_again_without_a_release() -> None:
    site = serving(world(3))
    site.edges["edge-1"]["app-2"] = "DRAIN"
    assert site.run()["rollout"]["result"] == "unchanged"
    assert set(site.edges["edge-1"].values()) == {"UP"}
    assert not site.order("switch", "migrate")
    assert not any(host.lock for host in site.hosts.values())


def test_a_rollout_that_meets_another_ones_lock_changes_nothing_and_keeps_none() -> None:
    site = world(3)
    site.hosts["app-2"].lock = "somebody else's"
    failed = site.failing()
    assert failed.failure.kind == "locked"
    assert [host.lock for host in site.hosts.values()] == ["", "somebody else's", ""]
    assert site.order("lock")[0] == "app-1 lock"


def test_going_back_brings_the_release_before_live_with_the_same_gates_and_no_build() -> None:
    site = world(3)
    document = site.run(rollback=True, commit="")
    assert site.live() == dict.fromkeys(site.hosts, "older")
    assert document["release"] == {"id": "older", "revision": "b" * 40}
    assert document["previous_release"]["id"] == "old"
    verbs = {verb for _, verb, _ in site.said}
    assert {"migrate", "edge-drain", "switch", "edge-ready", "smoke", "settle"} <= verbs
    assert not {"receive", "build"} & verbs


@pytest.mark.parametrize(
    ("releases", "why"),
    [
        ([entry("old")], "older is no longer on app-2"),
        ([{**entry("older"), "fits": False}, entry("old")], "built for another database"),
    ],
)
def test_there_is_no_way_back_to_what_is_not_whole_on_every_host(
    releases: list[dict[str, object]], why: str
) -> None:
    site = world(2)
    site.hosts["app-2"].releases = releases
    failed = site.failing(rollback=True)
    assert failed.refused
    assert why in failed.failure.cause


def test_a_request_needs_a_commit_or_goes_back() -> None:
    with pytest.raises(ValueError, match="commit"):
        request_for(world(1), commit="")
