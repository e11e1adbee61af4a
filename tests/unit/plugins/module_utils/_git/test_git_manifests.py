"""git_manifests against real repositories: made once, foreseen, only ours, never lost, never told a password."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.bahnvision.aws.plugins.module_utils._git.manifests import GIT_MANIFESTS_SPEC, ensure_manifests
from ansible_collections.bahnvision.aws.plugins.module_utils._resource.errors import ResourceError

PASSWORD = "s3cret 'with\" $odd"


class Recorded:
    """What module.run_command does, with all that git was told; `before` acts right before a git command."""

    def __init__(self):
        self.commands, self.environments, self.before = [], [], {}

    def __call__(self, command, cwd=None, environ_update=None):
        self.commands.append(command)
        self.environments.append(environ_update or {})
        word = next((word for word in command if word in self.before), None)
        if word:
            self.before.pop(word)()
        environment = {**os.environ, **(environ_update or {})}
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout, done.stderr


def git(folder, *words):
    told = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.com", *words]
    return subprocess.run(told, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


@pytest.fixture
def origin(tmp_path):
    bare, work = tmp_path / "origin.git", tmp_path / "work"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    git(tmp_path, "clone", "-q", str(bare), str(work))
    (work / "apps").mkdir()
    (work / "apps" / "README.md").write_text("by hand\n")
    pushed(work, "first")
    return bare


def pushed(work, message):
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", message)
    git(work, "push", "-q", "origin", "HEAD:main")


def config(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "orders", "namespace": "o"}, "data": data}


def bring(run=None, check=False, **given):
    options = {"path": "apps", "manifests": [config(a="x")], **given}
    validated = ArgumentSpecValidator(GIT_MANIFESTS_SPEC).validate(options)
    assert not validated.error_messages
    return ensure_manifests(run or Recorded(), validated.validated_parameters, check)


def commits(origin):
    return int(git(origin, "rev-list", "--count", "main"))


def test_two_runs_one_commit_and_check_mode_foresees_it(origin):
    url = origin.as_uri()
    told = bring(repository=url, check=True)
    assert commits(origin) == 1
    made = bring(repository=url, author_name="Ann", author_email="ann@example.com", commit_message="Orders 7")
    assert (told["changed"], told["actions"], told["diff"]) == (True, made["actions"], made["diff"])
    assert made["actions"] == ["write file apps/configmap-orders.yaml", "write file apps/kustomization.yaml"]
    assert git(origin, "log", "-1", "--format=%H %an %ae %cn %s", "main") == (
        f"{made['commit']} Ann ann@example.com Ann Orders 7"
    )
    again = bring(repository=url)
    assert (again["changed"], again["commit"], commits(origin)) == (False, made["commit"], 2)


def test_a_change_names_its_file_and_what_is_not_ours_stays(origin):
    url = str(origin)
    bring(repository=url)
    other = {**config(), "metadata": {"name": "other"}}
    changed = bring(repository=url, manifests=[config(a="z"), other])
    assert [one["after_header"] for one in changed["diff"]] == [
        "apps/configmap-orders.yaml", "apps/configmap-other.yaml", "apps/kustomization.yaml",
    ]  # fmt: skip
    assert ("a: x" in changed["diff"][0]["before"], "a: z" in changed["diff"][0]["after"]) == (True, True)
    gone = bring(repository=url)
    assert "remove file apps/configmap-other.yaml" in gone["actions"]
    bring(repository=url, state="absent")
    assert git(origin, "ls-tree", "-r", "--name-only", "main").split() == ["apps/README.md"]
    assert not bring(repository=url, state="absent")["changed"]


def test_a_file_of_somebody_else_is_not_overwritten(origin, tmp_path):
    (tmp_path / "work" / "apps" / "kustomization.yaml").write_text("resources: []\n")
    pushed(tmp_path / "work", "theirs")
    with pytest.raises(ResourceError, match=r"kustomization.yaml is not ours .* nothing was written"):
        bring(repository=str(origin))
    assert commits(origin) == 2


def test_an_empty_repository_begins_with_ours_and_a_wrong_branch_is_told(origin, tmp_path):
    empty = tmp_path / "empty.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(empty))
    assert bring(repository=empty.as_uri())["changed"]
    assert commits(empty) == 1
    with pytest.raises(ResourceError, match=r"has no branch live \(it has main\)"):
        bring(repository=str(origin), branch="live")
    with pytest.raises(ResourceError, match="cannot read the branches"):
        bring(repository=str(tmp_path / "none.git"))


@pytest.mark.parametrize("scheme", ["path", "file"])
def test_a_lost_race_is_won_on_top_of_the_other(origin, tmp_path, scheme):
    def other():
        (tmp_path / "work" / "apps" / "notes.md").write_text("meanwhile\n")
        pushed(tmp_path / "work", "meanwhile")

    run = Recorded()
    run.before["push"] = other
    made = bring(run, repository=str(origin) if scheme == "path" else origin.as_uri())
    assert "on top of theirs" in made["notes"][0]
    assert git(origin, "log", "--format=%s", "main").splitlines()[1:] == ["meanwhile", "first"]
    assert git(origin, "rev-parse", "main") == made["commit"]


def test_a_lost_race_for_the_same_file_is_told_and_overwrites_nothing(origin, tmp_path):
    run = Recorded()
    run.before["push"] = lambda: bring(repository=str(origin), manifests=[config(a="theirs")])
    with pytest.raises(ResourceError, match="on top of another that was pushed meanwhile; run again"):
        bring(run, repository=str(origin))
    assert "theirs" in git(origin, "show", "main:apps/configmap-orders.yaml")


def test_a_push_that_the_server_refuses_is_told_in_its_words(origin):
    hook = origin / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho this branch is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    run = Recorded()
    with pytest.raises(ResourceError, match="this branch is protected"):
        bring(run, repository=str(origin))
    assert sum("push" in command for command in run.commands) == 1


def test_a_working_tree_is_written_and_its_commit_left_to_its_owner(origin, tmp_path):
    work = tmp_path / "work"
    assert bring(working_tree=str(work), check=True)["changed"]
    assert git(work, "status", "--porcelain") == ""
    assert bring(working_tree=str(work))["changed"]
    assert not bring(working_tree=str(work))["changed"]
    assert commits(origin) == 1
    with pytest.raises(ResourceError, match="in no working tree"):
        bring(working_tree=str(tmp_path))
    (work / "out").symlink_to(tmp_path)
    with pytest.raises(ResourceError, match="outside of the working tree"):
        bring(working_tree=str(work), path="out/apps")


@pytest.mark.parametrize("path", ["/etc", "../x", ".", "a/../../b", ".git/hooks"])
def test_a_path_out_of_the_repository_is_refused(origin, path):
    with pytest.raises(ResourceError, match="must be a folder within the repository"):
        bring(repository=str(origin), path=path)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://me:hunter2@git.example.com/x.git", "holds a password"),
        ("http://git.example.com/x.git", "is not encrypted"),
        ("ext::sh -c id", "none that git_manifests hands to git"),
        ("--upload-pack=id", "none that git_manifests hands to git"),
    ],
)
def test_addresses_that_betray_or_endanger_are_refused(url, told):
    run = Recorded()
    with pytest.raises(ResourceError) as refused:
        bring(run, repository=url)
    assert told in refused.value.message
    assert "hunter2" not in refused.value.message
    assert run.commands == []


class Backend(BaseHTTPRequestHandler):
    """git's own server program behind a password."""

    root = Path()
    wanted = "Basic " + base64.b64encode(f"deploy:{PASSWORD}".encode()).decode()

    def do_GET(self):
        if self.headers.get("Authorization") != self.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        path, _mark, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.root), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "deploy",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "HTTP_CONTENT_ENCODING": self.headers.get(
                "Content-Encoding", ""), "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
        head, _line, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_words):
        pass


def test_a_password_reaches_the_server_and_nobody_else(origin, tmp_path):
    Backend.root = tmp_path
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run, url = Recorded(), f"http://127.0.0.1:{server.server_address[1]}/origin.git"
    try:
        made = bring(run, repository=url, username="deploy", password=PASSWORD)
        with pytest.raises(ResourceError) as refused:
            bring(repository=url, username="deploy", password="wrong")
        assert "Authentication failed" in refused.value.message
    finally:
        server.shutdown()
        server.server_close()
    assert (made["changed"], commits(origin)) == (True, 2)
    told = repr((run.commands, run.environments, made))
    assert PASSWORD not in told
    assert "odd" not in told
    asker = Path(run.environments[0]["GIT_ASKPASS"])
    assert not asker.exists()
