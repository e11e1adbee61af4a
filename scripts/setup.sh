#!/bin/sh
# Makes this checkout ready: `sh scripts/setup.sh lab` for the rehearsal, `sh scripts/setup.sh dev` for the tests too.
# Safe to repeat and to interrupt. Writes only inside the checkout, apart from apt and pip's cache.
set -eu
cd "$(dirname "$0")/.."
profile=${1:-lab}
oldest_postgres=15

say() { printf '%s\n' "setup: $*" >&2; }
stop() {
    say "$*"
    exit 1
}

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    stop "Python 3.11 or newer is needed and was not found (Debian/Ubuntu: apt-get install python3 python3-venv)"
}

# --- Python: one virtual environment from pinned, hashed requirements -------------------------------------------
# The stamp names all that the environment was made from; the path is part of it, because scripts in a virtual
# environment carry their own path and a moved checkout needs a new one.
wanted_stamp() { # profile
    { "$python" -c 'import sys; print(sys.version)' && pwd && cat "requirements-$1.txt" lab/pyproject.toml; } |
        sha256sum | cut -d' ' -f1
}

is_made() { # profile
    [ -f ".venv/.stamp-$1" ] && [ "$(cat ".venv/.stamp-$1")" = "$(wanted_stamp "$1")" ]
}

make_environment() {
    # What the tests need includes all that the lab needs.
    if is_made "$profile" || is_made dev; then return; fi
    base=.venv/.stamp-base
    here="$("$python" -c 'import sys; print(sys.version)') $(pwd)"
    if [ ! -f "$base" ] || [ "$(cat "$base")" != "$here" ]; then
        say "creating the virtual environment .venv"
        rm -rf .venv
        "$python" -m venv .venv || stop "python3 -m venv failed (Debian/Ubuntu: apt-get install python3-venv)"
        printf '%s' "$here" >"$base"
    fi
    say "installing the pinned Python packages of requirements-$profile.txt (a minute or two the first time)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements-$profile.txt"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e ./lab
    wanted_stamp "$profile" >.venv/.stamp.new
    mv .venv/.stamp.new ".venv/.stamp-$profile"
}

# --- Debian packages: the servers that the lab runs itself -------------------------------------------------------
has_postgres() {
    for initdb in /usr/lib/postgresql/*/bin/initdb; do
        major=${initdb#/usr/lib/postgresql/}
        major=${major%%/*}
        if [ -x "$initdb" ] && [ "$major" -ge "$oldest_postgres" ] 2>/dev/null; then return 0; fi
    done
    command -v initdb >/dev/null 2>&1 && initdb --version |
        "$python" -c "import re, sys; sys.exit(int(re.search(r'\d+', sys.stdin.read())[0]) < $oldest_postgres)"
}

has_pooler() { command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ]; }

has_cache() { command -v valkey-server >/dev/null 2>&1 || command -v redis-server >/dev/null 2>&1; }

# Debian starts and enables a service when its package arrives. The lab starts servers of its own, so what we
# installed is stopped and disabled again; a server that was here before is left as it is.
put_to_rest() {
    for service in "$@"; do
        if [ -d /run/systemd/system ]; then
            $as_root systemctl disable --now "$service" >/dev/null 2>&1 || say "could not stop and disable the service $service"
        else
            $as_root service "$service" stop >/dev/null 2>&1 || true
            $as_root update-rc.d "$service" disable >/dev/null 2>&1 || true
        fi
    done
}

install_servers() {
    missing=
    services=
    if ! has_postgres; then
        missing="$missing postgresql"
        services="$services postgresql"
    fi
    if ! has_cache; then
        cache=redis-server
        if command -v apt-cache >/dev/null 2>&1 && apt-cache show valkey-server >/dev/null 2>&1; then cache=valkey-server; fi
        missing="$missing $cache"
        services="$services $cache"
    fi
    if ! has_pooler; then
        missing="$missing pgbouncer"
        services="$services pgbouncer"
    fi
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then as_root="sudo -n"; fi
    if ! command -v apt-get >/dev/null 2>&1 || ! { [ -z "$as_root" ] || sudo -n true 2>/dev/null; }; then
        stop "please install (as root):$missing   # PostgreSQL $oldest_postgres or newer; no service needs to run"
    fi
    say "installing with apt:$missing"
    mkdir -p .cache
    {
        $as_root apt-get update --quiet
        # shellcheck disable=SC2086 # a list of package names
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends $missing
    } >.cache/apt.log 2>&1 || {
        tail -n 5 .cache/apt.log >&2
        stop "apt-get could not install$missing (.cache/apt.log)"
    }
    # shellcheck disable=SC2086
    put_to_rest $services
    has_postgres || stop "this distribution's postgresql is older than $oldest_postgres: install a newer one (apt.postgresql.org)"
}

# --- The checkout as the collection bahnvision.aws ---------------------------------------------------------------
# Ansible finds a collection only at <somewhere>/ansible_collections/bahnvision/aws (ansible.cfg: collections_path).
link_collection() {
    mkdir -p .cache/collections/ansible_collections/bahnvision
    ln -sfn ../../../.. .cache/collections/ansible_collections/bahnvision/aws
}

python=$(find_python)
mkdir -p .cache
# One set-up at a time: two would tread on each other's virtual environment.
exec 9>.cache/setup.lock
if command -v flock >/dev/null 2>&1; then flock 9; fi
make_environment
.venv/bin/python scripts/kube_tools.py || stop "helm and kubectl are missing: see above"
install_servers
link_collection
