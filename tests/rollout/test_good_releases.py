"""Releases that go through: what visitors get, and what is kept."""

from __future__ import annotations

import json
from pathlib import Path

from provisioning import source
from tests.rollout.conftest import Stage
from tests.rollout.droplet import NAME, SITE


def test_the_first_release_serves_the_site_with_its_settings_wrapped(stage: Stage) -> None:
    facts = stage.facts()
    assert facts["debug"] == "False"
    assert facts["cached"] == facts["version"], "the cache does not keep what was put into it"
    assert stage.get(facts["css"]) == (200, "body { color: black }\n")


def test_the_running_site_cannot_write_its_own_code(stage: Stage) -> None:
    assert stage.get("/write") in {(200, "PermissionError"), (200, "OSError")}


def test_a_code_change_goes_live_unnoticed_and_keeps_data_and_uploads(stage: Stage) -> None:
    before, live = stage.facts(), stage.live_release()
    assert stage.get("/add")[1] == "added"
    assert stage.get("/upload")[1] == "uploaded"
    repository = stage.repository
    changes = repository.changed("memos/views.py", 'VERSION = "one"', 'VERSION = "two"')
    changes["memos/static/memos.css"] = "body { color: navy }\n"
    done = stage.release(repository.commit("Version two", changes))
    assert done.status == 0, done.told
    after = stage.facts()
    assert after["version"] == "two"
    assert int(after["memos"]) == int(before["memos"]) + 1
    assert stage.get("/media/paper.txt") == (200, "kept too")
    assert done.visitors["failed"] == 0, done.visitors
    assert done.document["rollout"]["probe"]["failed"] == 0
    assert done.document["rollout"]["probe"]["requests"] > 0
    # A visitor who has the old page still finds its style sheet.
    assert after["css"] != before["css"]
    assert stage.get(before["css"]) == (200, "body { color: black }\n")
    assert done.document["previous_release"]["id"] == live
    assert done.document["release"]["id"] == stage.live_release()


def test_a_request_that_is_being_answered_during_the_switch_is_answered(stage: Stage) -> None:
    repository = stage.repository
    commit = repository.commit(
        "A comment", {"memos/models.py": "# Memos\n" + _text(stage, "memos/models.py")}
    )
    done = stage.release(commit, health_path="/slow")
    assert done.status == 0, done.told
    # The rollout's own requests take a second each: some were under way at every moment of it.
    assert done.document["rollout"]["probe"]["failed"] == 0


def test_the_same_release_again_changes_nothing(stage: Stage) -> None:
    slot = stage.droplet.root(f"readlink /srv/{SITE}/live.sock")
    done = stage.release(_head(stage))
    assert done.status == 0, done.told
    assert done.document["rollout"]["result"] == "unchanged"
    assert stage.droplet.root(f"readlink /srv/{SITE}/live.sock") == slot


def test_a_changed_environment_reaches_the_site_without_a_build(stage: Stage) -> None:
    stage.configuration = stage.droplet.provision(environment={"MOTTO": "dare"})
    done = stage.release(_head(stage))
    assert done.status == 0, done.told
    assert "build" not in done.document["rollout"]["seconds"]
    assert stage.facts()["motto"] == "dare"
    assert done.visitors["failed"] == 0, done.visitors


def test_an_older_release_comes_back_without_a_build(stage: Stage) -> None:
    older, version = _head(stage), stage.facts()["version"]
    changes = stage.repository.changed("memos/views.py", 'VERSION = "two"', 'VERSION = "newer"')
    newer = stage.release(stage.repository.commit("Newer", changes))
    assert newer.status == 0, newer.told
    assert stage.facts()["version"] == "newer"
    back = stage.release(older)
    stage.repository.go_back_to(older)
    assert back.status == 0, back.told
    assert "build" not in back.document["rollout"]["seconds"]
    assert stage.facts()["version"] == version
    assert back.visitors["failed"] == 0, back.visitors
    assert back.document["previous_release"]["id"] == newer.document["release"]["id"]


def test_only_so_many_releases_are_kept_and_each_run_is_on_record(stage: Stage) -> None:
    for number in range(2):
        text = f"# {number}\n" + _text(stage, "memos/models.py")
        done = stage.release(stage.repository.commit("Another", {"memos/models.py": text}), keep_releases=2)
        assert done.status == 0, done.told
    kept = stage.releases()
    assert len(kept) == 2
    assert done.document["release"]["id"] in kept
    record = json.loads(stage.droplet.root(f"tail -n 1 /srv/{SITE}/releases.jsonl"))
    assert record == done.document
    rollout = record["rollout"]
    assert (rollout["result"], rollout["subject"]) == ("ok", "a change")
    assert "@" in rollout["owner"] and rollout["started"] < rollout["ended"]
    assert {"build", "start", "switch", "total"} <= set(rollout["seconds"])


def test_hooks_run_before_between_and_after_with_the_facts_of_the_release(
    stage: Stage, tmp_path: Path
) -> None:
    before, older = stage.facts()["version"], _live(stage)
    look = f"curl -sS --noproxy '*' -H 'Host: {NAME}' http://{stage.droplet.address}/ | head -n 1"
    hooks = {
        name: f"(env | grep ^SEATRIAL_; {look}) > {tmp_path}/{name}"
        for name in ("before_release", "after_migrate", "after_release", "on_failure")
    }
    changes = stage.repository.changed("memos/views.py", f'VERSION = "{before}"', 'VERSION = "hooked"')
    commit = stage.repository.commit("Hooked", changes)
    done = stage.release(commit, hooks=hooks)
    assert done.status == 0, done.told
    assert not (tmp_path / "on_failure").exists()
    for name, version in {
        "before_release": before,
        "after_migrate": before,
        "after_release": "hooked",
    }.items():
        told = dict(line.split("=", 1) for line in (tmp_path / name).read_text().splitlines())
        assert told == {
            "SEATRIAL_HOOK": name,
            "SEATRIAL_SITE": SITE,
            "SEATRIAL_URL": f"http://{NAME}",
            "SEATRIAL_RELEASE": done.document["release"]["id"],
            "SEATRIAL_REVISION": commit,
            "SEATRIAL_SUBJECT": "a change",
            "SEATRIAL_PREVIOUS_RELEASE": older["id"],
            "SEATRIAL_PREVIOUS_REVISION": older["commit"],
            "SEATRIAL_HOSTS": stage.droplet.address,
            "version": version,
        }


def test_commands_of_the_sites_own_run_under_the_wrapped_settings(stage: Stage) -> None:
    command = "print(settings.DEBUG, settings.DATABASES['default']['ENGINE'])"
    script = (
        f'seatrial-host manage {SITE} shell --verbosity 0 -c "from django.conf import settings; {command}"'
    )
    assert "False django.db.backends.postgresql" in stage.droplet.root(script)


def _live(stage: Stage) -> dict[str, str]:
    facts = stage.droplet.root(f"cat /srv/{SITE}/current/built.json")
    loaded: dict[str, str] = json.loads(facts)
    return loaded


def _head(stage: Stage) -> str:

    return source.resolve(str(stage.repository.path)).sha


def _text(stage: Stage, name: str) -> str:
    return (stage.repository.path / name).read_text()
