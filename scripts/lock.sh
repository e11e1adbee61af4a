#!/bin/sh
# Writes requirements*.txt from requirements*.in: one resolution, for every Python from 3.11 on, with hashes.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header "$@"
}
compile requirements-dev.in --output-file requirements-dev.txt
# The smaller sets are cuts of the large one, so that all three agree.
compile requirements-lab.in --constraint requirements-dev.txt --output-file requirements-lab.txt
compile requirements.in --constraint requirements-dev.txt --output-file requirements.txt
