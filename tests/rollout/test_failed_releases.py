"""Releases that fail: visitors notice nothing, the cause is named, and the next release goes on."""

from __future__ import annotations

import json
import signal
import uuid

import pytest

from provisioning import records
from provisioning.remote import COMMAND
from tests.rollout.conftest import Outcome, Stage
from tests.rollout.droplet import SITE

BREAKAGES = {
    "a requirement that does not exist": (
        {"requirements.txt": "django>=5.2,<5.3\nno-such-package-of-seatrial==1.0\n"},
        "build",
        "no-such-package-of-seatrial",
    ),
    "settings that do not import": (
        {"office/settings.py": "import os\nKEY = os.environ['PAYMENT_KEY']\n"},
        "build",
        "office.settings does not import: KeyError: 'PAYMENT_KEY' (office/settings.py:2)",
    ),
    "views that do not import": (
        {"memos/views.py": "import paper_shredder\n"},
        "build",
        "No module named 'paper_shredder' (memos/views.py:1)",
    ),
    "a page that answers 500": (
        {"memos/views.py": "def home(request):\n    return 1 / 0\nadd = all = slow = upload = write = home"},
        "start",
        "ZeroDivisionError",
    ),
    "a migration that fails": (
        {
            "memos/migrations/0002_broken.py": """
from django.db import migrations
def refuse(apps, schema_editor):
    raise ValueError("these memos can't be converted")
class Migration(migrations.Migration):
    dependencies = [("memos", "0001_initial")]
    operations = [migrations.RunPython(refuse)]
"""
        },
        "migrate",
        "memos.0002_broken failed: ValueError: these memos can't be converted",
    ),
}


@pytest.fixture
def good(stage: Stage) -> str:
    """A commit that works; the repository is as it was there again afterwards."""
    stage.repository.go_back_to(stage.repository.first)
    return stage.repository.first


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_release_is_named_and_never_reaches_a_visitor(
    stage: Stage, good: str, breakage: str
) -> None:
    files, phase, words = BREAKAGES[breakage]
    before = stage.facts()
    done = stage.release(stage.repository.commit(breakage, files))
    stage.repository.go_back_to(good)
    assert done.status == 1, done.told
    last = done.told.splitlines()[-1]
    assert last.startswith(f"release failed in {phase} on "), done.told
    assert words in last, done.told
    assert "Traceback" not in _without_log(done)
    assert "next:" in last
    assert stage.facts() == before
    assert done.visitors["requests"] > 0
    assert done.visitors["failed"] == 0, done.visitors
    # What was not built to its end is gone.
    for release in stage.releases():
        stage.droplet.root(f"test -e /srv/{SITE}/releases/{release}/built.json")


def test_a_release_that_a_later_step_refuses_is_taken_back_unnoticed(stage: Stage, good: str) -> None:
    before = stage.facts()
    changes = stage.repository.changed("memos/views.py", 'VERSION = "one"', 'VERSION = "refused"')
    hooks = {
        "after_release": f'test "$SEATRIAL_SITE" = {SITE} && echo judged $SEATRIAL_REVISION && exit 7',
        "on_failure": "echo told about $SEATRIAL_PHASE: $SEATRIAL_ERROR",
    }
    commit = stage.repository.commit("Refused", changes)
    done = stage.release(commit, hooks=hooks)
    stage.repository.go_back_to(good)
    assert done.status == 1, done.told
    assert f"judged {commit}" in done.told
    assert "ended with status 7" in done.told
    assert "told about after_release: the hook after_release" in done.told
    record = json.loads(stage.droplet.root(f"tail -n 1 /srv/{SITE}/releases.jsonl"))
    assert (record["rollout"]["result"], record["rollout"]["phase"]) == ("failed", "after_release")
    assert "ended with status 7" in record["rollout"]["error"]
    assert stage.facts() == before
    assert done.visitors["failed"] == 0, done.visitors
    assert before["version"] != "refused"


def test_an_interrupted_release_leaves_the_site_as_it_was_and_the_next_one_goes_on(
    stage: Stage, good: str
) -> None:
    before = stage.facts()
    changes = stage.repository.changed("memos/views.py", 'VERSION = "one"', 'VERSION = "resumed"')
    commit = stage.repository.commit("Interrupted", changes)
    process = stage.start(commit)
    assert process.stderr is not None
    for line in process.stderr:
        if "receive" in line:
            break
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted" in told
    assert stage.facts() == before
    done = stage.release(commit)
    stage.repository.go_back_to(good)
    assert done.status == 0, done.told
    assert stage.facts()["version"] == "resumed"
    assert done.visitors["failed"] == 0, done.visitors


def test_after_a_rollout_was_killed_the_next_one_goes_on_at_once(stage: Stage, good: str) -> None:
    changes = stage.repository.changed("memos/views.py", 'VERSION = "one"', 'VERSION = "after a kill"')
    commit = stage.repository.commit("Killed", changes)
    process = stage.start(commit)
    assert process.stderr is not None
    for line in process.stderr:
        if "migrate" in line:
            break
    process.kill()
    process.communicate()
    # It is known for what it was before anybody takes its lock over, and stays on record afterwards.
    died = _runs(stage)[0]
    assert (died["release"]["revision"], died["rollout"]["result"]) == (commit, "abandoned")
    done = stage.release(commit)
    assert [run["rollout"]["result"] for run in _runs(stage)[:2]] == ["ok", "abandoned"]
    stage.repository.go_back_to(good)
    assert done.status == 0, done.told
    assert "who is gone" in done.told
    assert stage.facts()["version"] == "after a kill"
    assert done.visitors["failed"] == 0, done.visitors
    units = "systemctl is-enabled gunicorn@blue gunicorn@green || true"
    assert sorted(stage.droplet.root(units).split()) == ["disabled", "enabled"]


def test_a_second_rollout_at_the_same_time_is_refused_and_names_the_first(stage: Stage, good: str) -> None:
    token = uuid.uuid4().hex
    held = f'{{"site": "{SITE}", "token": "{token}", "owner": "ana@laptop"}}\n'
    connection = stage.droplet.connection
    assert connection.run(f"{COMMAND} lock", held.encode()).status == 0
    try:
        changes = stage.repository.changed("memos/views.py", 'VERSION = "one"', 'VERSION = "second"')
        done = stage.release(stage.repository.commit("Second", changes))
        stage.repository.go_back_to(good)
        assert done.status == 3, done.told
        assert "ana@laptop" in done.told
        assert "next:" in done.told
        assert done.visitors["failed"] == 0
    finally:
        assert connection.run(f"{COMMAND} unlock", held.encode()).status == 0


def test_a_host_with_another_key_than_the_known_one_is_not_talked_to(stage: Stage, good: str) -> None:
    request = stage.droplet.request()
    host = {**request["hosts"][0], "host_key": stage.droplet.key.public}
    done = stage.release(good, hosts=[host])
    assert done.status == 2, done.told
    assert "another host key" in done.told


def test_the_site_serves_after_a_reboot_of_its_host(stage: Stage) -> None:
    before = stage.facts()
    stage.droplet.reboot()
    assert stage.droplet.answers_again()
    assert stage.facts() == before


def test_no_secret_is_in_the_hosts_journal(stage: Stage) -> None:
    journal = stage.droplet.root("journalctl --no-pager --output cat")
    assert "Building" in journal or "Installed" in journal, "nothing of a build is in the journal"
    assert "only-for-this-test" not in journal
    assert stage.droplet.key.private.splitlines()[1] not in journal


def _runs(stage: Stage) -> list[records.Record]:
    """The last runs that are on the host's record, the newest first."""
    request = f'{{"site": "{SITE}"}}'
    status = json.loads(stage.droplet.root(f"{COMMAND} status <<< '{request}'").splitlines()[-1])
    return records.merged([status["records"]])


def _without_log(done: Outcome) -> str:
    """What was told, but for the quoted lines of the log."""
    return "\n".join(line for line in done.told.splitlines() if not line.startswith("  | "))
