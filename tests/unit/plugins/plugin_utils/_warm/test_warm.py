"""The warm connection: what it recognises, compares and refuses before a module runs."""

from __future__ import annotations

import base64
import io
import os
import shlex
import sys
import zipfile
from pathlib import Path

import botocore.exceptions
import botocore.loaders
import pytest
from ansible.release import __version__
from ansible_collections.bahnvision.aws.plugins.connection import warm_local
from ansible_collections.bahnvision.aws.plugins.plugin_utils._warm import client, payload, preload

MODULE = "ansible_collections.some.thing.plugins.modules.act"


def script(files: dict[str, str], extensions: str = "{}") -> bytes:
    """Return a script as AnsiballZ ends it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    text = base64.b64encode(packed.getvalue()).decode()
    return (
        "# code\n\n\nif __name__ == \"__main__\":\n    _ansiballz_main(\nansible_module='act',\n"
        f"module_fqn='{MODULE}',\nprofile='legacy',\ndate_time=datetime.datetime(2026, 1, 1),\nrlimit_nofile=0,\n"
        f"params='{{\"zip_data\": \"\\nzip_data=\\'AAAA\\'\"}}',\nextensions={extensions},\nzip_data='{text}',\n)\n"
    ).encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "ansible_collections" / "some" / "thing" / "plugins" / "modules"
    folder.mkdir(parents=True)
    (folder / "act.py").write_text("same")
    return tmp_path


def carried(text: str, **more: str) -> dict[str, str]:
    folder = "ansible_collections/some/thing/plugins"
    return {
        "ansible/__init__.py": "of AnsiballZ", "ansible_collections/__init__.py": "",
        f"{folder}/modules/__init__.py": "", f"{folder}/modules/act.py": text, **more,
    }  # fmt: skip


def test_a_payload_is_read_and_nothing_else_is_taken_for_one():
    found = payload.read(script(carried("same")))

    assert found is not None
    assert (found.module, found.collections) == (MODULE, {"some.thing"})
    assert f"{MODULE}" in found.modules
    for other in (b"", b"print()", script({}, "{'debugpy': {}}"), script({}).replace(b"zip_data='U", b"zip_data='!")):
        assert payload.read(other) is None


def test_every_file_has_to_be_the_one_on_disk(root, tmp_path):
    files = payload.Files(tmp_path / "site", [str(tmp_path / "empty"), str(root)])

    def different(carried_files: dict[str, str]) -> str:
        read = payload.read(script(carried_files))
        assert read
        return files.different(read)

    assert different(carried("same")) == ""
    assert different(carried("SAME")).endswith("modules/act.py")
    assert different(carried("same", **{"ansible/module_utils/mine.py": ""})) == "ansible/module_utils/mine.py"
    assert different(carried("same", **{"ansible_collections/no/where/plugins/x.py": ""})).endswith("x.py")
    assert different(carried("same", **{"sitecustomize.py": ""})) == "sitecustomize.py"


def test_what_an_import_has_read_may_not_change():
    environment = preload.Environment()
    with environment.recorded():
        assert os.environ.get("READ_BY_AN_IMPORT") is None
    os.environ.get("READ_LATER")
    now = dict(os.environ)

    assert environment.refused(now) == []
    assert environment.refused({**now, "READ_LATER": "1", "AWS_REGION": "x"}) == []
    other = {"READ_BY_AN_IMPORT": "1", "PYTHONHASHSEED": "0", "LC_NUMERIC": "C", "TZ": "UTC+3"}
    assert environment.refused({**now, **other}) == sorted(other)
    assert environment.refused({name: value for name, value in now.items() if name != "PATH"}) == ["PATH"]


def test_the_installed_versions_were_tried():
    """Run tests/integration/warm and both ways of the role tests with a new version, then add it to TESTED."""
    assert preload.untested(__version__) == ""
    assert preload.untested("2.99.0") == "ansible-core 2.99.0 is not tested"


def test_an_untried_botocore_is_refused(monkeypatch):
    monkeypatch.setattr(botocore, "__version__", "2.0.1")
    assert preload.untested(__version__) == "botocore 2.0.1 is not tested"


def command(*words: str, shell: str = "/bin/sh") -> str:
    return f"{shell} -c {shlex.quote(' '.join([*words, shlex.quote(sys.executable), '&&', 'sleep', '0']))}"


def test_the_environment_of_a_task_is_read_from_its_command():
    assert warm_local.environment(command(), False) == {}
    words = "A='x y'", "B=''", "C='it'\"'\"'s $HOME'"
    assert warm_local.environment(command(*words), False) == {"A": "x y", "B": "", "C": "it's $HOME"}


@pytest.mark.parametrize(
    ("text", "become", "reason"),
    [
        (command(), True, "become"),
        (command(shell="/bin/bash"), False, "unknown command"),
        (command("A=$HOME"), False, "unknown command"),
        (command("A='`id`';", "B=1"), False, "unknown command"),
        (command("cd", "/tmp"), False, "unknown command"),
        (command().replace(sys.executable, "/usr/bin/other"), False, "other interpreter"),
        ("/bin/sh -c 'unclosed", False, "unknown command"),
    ],
)
def test_any_other_command_is_cold(text, become, reason):
    with pytest.raises(client.Cold, match=reason):
        warm_local.environment(text, become)


def test_the_counter_says_why():
    assert warm_local.summary(["warm", "warm"]) == "warm_local: 2 warm, 0 cold"
    assert warm_local.summary(["cold b", "warm", "cold a", "cold b"]) == "warm_local: 1 warm, 3 cold (a: 1, b: 2)"


@pytest.fixture
def models(monkeypatch) -> preload.Models:
    monkeypatch.setattr(botocore.loaders, "Loader", botocore.loaders.Loader)  # put back at the end
    made = preload.Models()
    made.install()
    return made


def test_models_are_found_again_for_the_same_search_path_only(models):
    first = botocore.loaders.create_loader().load_service_model("sts", "service-2", None)

    assert botocore.loaders.create_loader().load_service_model("sts", "service-2", None) is first
    assert botocore.loaders.create_loader("/else").load_service_model("sts", "service-2", None) is not first
    with pytest.raises(botocore.exceptions.DataNotFoundError):
        botocore.loaders.create_loader().load_data("nothing")


def test_the_warm_process_learns_what_a_module_asked(models):
    before = models.known()
    botocore.loaders.create_loader().load_service_model("sts", "paginators-1")
    news = models.news(before)
    learner = preload.Models()
    learner.install()
    learner.learn(news)

    assert learner.known() == models.known() - before != set()
