"""What a host remembers: its lock, its releases, what may go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.onhost import lock, preflight, records, releases, slots
from provisioning.onhost.layout import Layout
from provisioning.onhost.wire import Failure


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout("shop", tmp_path)
    for folder in (made.releases, made.slots):
        folder.mkdir(parents=True)
    return made


def built(layout: Layout, name: str, venv: str = "", *, served: bool = True) -> None:
    folder = layout.release(name)
    folder.mkdir()
    (folder / "built.json").write_text(json.dumps({"id": name}))
    if served:
        releases.mark_as_served(layout, name)
    if venv:
        (layout.venvs / venv).mkdir(parents=True, exist_ok=True)
        (folder / "venv").symlink_to(f"../.venvs/{venv}")


def live(layout: Layout, name: str, slot: str = "blue") -> None:
    slots.set_link(layout.slots / f"{slot}.release", Path("..") / "releases" / name)
    slots.set_link(layout.live_socket, layout.socket(slot))
    slots.set_link(layout.base / "current", Path("releases") / name)


def test_a_lock_keeps_others_away_and_names_its_owner(layout: Layout) -> None:
    assert lock.take(layout, "t1", "ana@laptop", now=100) is None
    with pytest.raises(Failure, match="ana@laptop") as refused:
        lock.take(layout, "t2", "ben@desk", now=150)
    assert refused.value.kind == "locked"
    lock.require(layout, "t1")
    with pytest.raises(Failure):
        lock.require(layout, "t2")


def test_a_heartbeat_keeps_a_lock_and_silence_loses_it(layout: Layout) -> None:
    lock.take(layout, "t1", "ana@laptop", now=0)
    lock.take(layout, "t1", "ana@laptop", now=100)
    with pytest.raises(Failure):
        lock.take(layout, "t2", "ben@desk", now=100 + lock.STALE_AFTER - 1)
    taken_from = lock.take(layout, "t2", "ben@desk", now=100 + lock.STALE_AFTER)
    assert taken_from is not None
    assert taken_from["owner"] == "ana@laptop"
    with pytest.raises(Failure, match="ben@desk"):
        lock.require(layout, "t1")


def test_a_lock_whose_owner_has_ended_for_certain_is_taken_at_once(layout: Layout) -> None:
    lock.take(layout, "t1", "ana@laptop", process="p1", now=100)
    with pytest.raises(Failure):
        lock.take(layout, "t2", "ana@laptop", process="p2", gone="p0", now=101)
    assert lock.take(layout, "t2", "ana@laptop", process="p2", gone="p1", now=101) is not None


def test_only_its_owner_gives_a_lock_back(layout: Layout) -> None:
    lock.take(layout, "t1", "ana@laptop")
    assert lock.release(layout, "t2") is False
    assert lock.holder(layout) is not None
    assert lock.release(layout, "t1") is True
    assert lock.holder(layout) is None


def test_two_changes_do_not_run_at_once(layout: Layout) -> None:
    with (
        lock.working(layout),
        pytest.raises(Failure, match="still runs on this host"),
        lock.working(layout, patience=0),
    ):
        pass


def test_the_newest_releases_stay_with_those_in_use_and_half_built_ones_go(layout: Layout) -> None:
    for name in ("1", "2", "3", "4", "5"):
        built(layout, name, venv="shared" if name > "3" else f"of-{name}")
    live(layout, "1")
    (layout.releases / "half").mkdir()
    assert sorted(releases.prune(layout, keep=3)) == ["2", "3", "half"]
    assert [entry["id"] for entry in releases.built(layout)] == ["1", "4", "5"]
    assert sorted(path.name for path in layout.venvs.iterdir()) == ["of-1", "shared"]


def test_releases_that_never_served_do_not_push_out_those_that_did(layout: Layout) -> None:
    for name in ("1", "2", "3"):
        built(layout, name)
    for name in ("4", "5", "6"):
        built(layout, name, served=False)
    assert releases.prunable(layout, keep=3) == ["4", "5"]
    built(layout, "7")
    assert releases.prunable(layout, keep=4) == ["4", "5", "6"]


def test_releases_in_use_are_never_removed() -> None:
    assert releases.superfluous(["1", "2", "3"], 1, {"1", "2"}) == ["3"]
    assert releases.superfluous(["1", "2"], 5, set()) == []


def test_what_is_live_is_read_from_the_links(layout: Layout) -> None:
    assert releases.live(layout) is None
    built(layout, "1")
    live(layout, "1", slot="green")
    (layout.slots / "green.json").write_text(json.dumps({"release": "1", "configuration": "abc"}))
    found = releases.live(layout)
    assert found is not None
    assert (found["id"], found["slot"], found["configuration"]) == ("1", "green", "abc")


def test_the_record_of_runs_is_kept_short(layout: Layout) -> None:
    for number in range(7):
        records.add(layout, {"run": number}, kept=3)
    assert [json.loads(line)["run"] for line in layout.records.read_text().splitlines()] == [4, 5, 6]


def test_a_run_that_is_at_work_is_on_record_and_one_that_died_is_abandoned(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.add(layout, {"release": {"id": "1"}, "rollout": {"result": "ok"}})
    run = {"release": {"id": "2"}, "rollout": {"started": "2026-01-01T10:00:00Z", "subject": "Sell more"}}
    lock.take(layout, "t1", "ana@laptop", process="p1", run=run)
    first, second = records.recent(layout)
    assert first["rollout"]["result"] == "ok"
    assert second["release"]["id"] == "2"
    assert second["rollout"] == {
        "result": "running",
        "owner": "ana@laptop",
        "process": "p1",
        "started": "2026-01-01T10:00:00Z",
        "subject": "Sell more",
    }
    # Nobody has to take the lock over for it to be told.
    monkeypatch.setattr(lock, "STALE_AFTER", 0.0)
    died = records.recent(layout)[-1]
    assert (died["release"]["id"], died["rollout"]["result"]) == ("2", "abandoned")
    stale = lock.take(layout, "t2", "ben@desk")
    assert stale is not None
    assert records.of_holder(stale)["rollout"]["owner"] == "ana@laptop"


def test_the_first_release_goes_to_a_slot_and_the_next_to_the_other() -> None:
    assert slots.other(None) == "blue" or slots.other(None) == "green"
    assert {slots.other("blue"), slots.other("green")} == {"blue", "green"}
    assert slots.other("blue") != "blue"


def test_open_requests_of_a_slot_are_counted(tmp_path: Path) -> None:
    table = tmp_path / "unix"
    table.write_text(
        "Num       RefCount Protocol Flags    Type St Inode Path\n"
        "0000: 00000002 00000000 00010000 0001 01 100 /run/shop-blue/gunicorn.sock\n"
        "0000: 00000003 00000000 00000000 0001 03 101 /run/shop-blue/gunicorn.sock\n"
        "0000: 00000003 00000000 00000000 0001 03 102 /run/shop-green/gunicorn.sock\n"
        "0000: 00000003 00000000 00000000 0001 03 103\n"
    )
    assert slots.connections(Path("/run/shop-blue/gunicorn.sock"), table) == 1


def test_a_full_disk_is_told_before_anything_is_sent(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        total, used, free = 10_000_000_000, 9_990_000_000, 10_000_000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    with pytest.raises(Failure, match="the disk is full: 10 MB free of 10000 MB") as told:
        preflight.check_disk(layout)
    assert "droplet_size" in told.value.next_step
