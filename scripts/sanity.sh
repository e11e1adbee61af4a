#!/bin/sh
# ansible-test sanity on a copy of the working tree: it insists on a real folder (no link) named
# ansible_collections/bahnvision/aws that is a git checkout. The whole tree is tested, not only what ships.
set -eu
cd "$(dirname "$0")/.."
checkout=$(pwd)
# ansible-test makes virtual environments below HOME, and their scripts cannot carry a path with a blank.
case $checkout in
*" "*)
    work=$(mktemp -d "${TMPDIR:-/tmp}/sanity-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    ;;
*) work=$checkout/build/sanity ;;
esac
collections=$work/ansible_collections
target=$collections/bahnvision/aws
rm -rf "$collections"
mkdir -p "$target" "$work/home/.ansible/test/cache"

.venv/bin/python - "$target" <<'COPY'
import pathlib, shutil, subprocess, sys
listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True)
for name in filter(None, listed.stdout.decode().split("\0")):
    source, copy = pathlib.Path(name), pathlib.Path(sys.argv[1], name)
    if source.is_symlink() or source.exists():  # deleted files are listed until they are committed
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy, follow_symlinks=False)
COPY
git -C "$target" init --quiet
git -C "$target" add --all

# The collections that ours imports from, beside it.
site=$(.venv/bin/python -c 'import ansible_collections; print(list(ansible_collections.__path__)[0])')
for namespace in amazon community kubernetes; do ln -s "$site/$namespace" "$collections/$namespace"; done

PATH=$checkout/.venv/bin:$PATH
HOME=$work/home
export PATH HOME
cp scripts/ansible_test_bootstrap.py "$HOME/.ansible/test/cache/get_pip_24_2.py"
cd "$target"
# One Python, the environment's own: other interpreters on the PATH may be stubs of a version manager.
version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ansible-test sanity --color no --truncate 0 --python "$version" "$@"
