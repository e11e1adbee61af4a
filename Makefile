# The verbs of this project. `make help` explains them; each does its own set-up on a fresh machine.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:
.PHONY: help setup rehearse bench-migrate conformance test test-full lint sanity lab-up lab-down lab-status lab-reset build lock clean

# Relative on purpose: the checkout's path may hold blanks, which make cannot handle in names.
PY := .venv/bin/python
LAB := .venv/bin/lab

help: ## Explain the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r verb text; do printf '  %-14s %s\n' "$$verb" "$$text"; done

rehearse: .setup-lab ## Rehearse the whole move on this machine, in the lab; ends with a report (SCALE=n multiplies the data; METHOD=logical: the application goes on writing)
	@$(LAB) rehearse $(if $(SCALE),--scale $(SCALE)) $(if $(METHOD),--method $(METHOD))

bench-migrate: .setup-lab ## Compare our move of a database with others' (SIZE=megabytes ROUNDS=n FOLDER=path); build/bench-migrate.json
	@$(PY) benchmarks/migrate/bench.py --size $(or $(SIZE),2000) --rounds $(or $(ROUNDS),5) $(if $(FOLDER),--folder '$(FOLDER)')

test: .setup-dev ## Lint, sanity, unit tests, lab tests, molecule
	@$(PY) scripts/run_tests.py

test-full: .setup-dev ## make test and the deeper, slower suites
	@$(PY) scripts/run_tests.py --full

conformance: .setup-dev ## The lab's Kubernetes against a real kube-apiserver, built once through the Go proxy when none is at hand; build/conformance.json (RECORD=yes: for make test)
	@PYTHONPATH=lab/src:lab/tests $(PY) lab/conformance/run.py $(if $(RECORD),--record)

lint: .setup-dev ## The linters alone
	@$(PY) scripts/run_tests.py --only lint

sanity: .setup-dev ## ansible-test sanity alone
	@$(PY) scripts/run_tests.py --only sanity

setup: .setup-lab ## Only the set-up: virtual environment, Python packages, helm and kubectl, Debian packages

lab-up: .setup-lab ## Start the lab: an AWS API and the source database on loopback
	@$(LAB) up

lab-down: .setup-lab ## Stop the lab and all that it started
	@$(LAB) down

lab-status: .setup-lab ## Say what the lab runs
	@$(LAB) status

lab-reset: .setup-lab ## An empty AWS account and an empty source
	@$(LAB) reset

build: .setup-lab ## The collection's artefact, in build/
	@.venv/bin/ansible-galaxy collection build --force --output-path build

lock: ## Pin the Python packages anew, with hashes (needs uv)
	@sh scripts/lock.sh

clean: ## Stop the lab and remove everything that was made here, the virtual environment too
	@if [ -x $(LAB) ]; then $(LAB) down; fi
	rm -rf build .lab .cache .venv .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache lab/src/*.egg-info

.PHONY: .setup-lab .setup-dev
.setup-lab:
	@sh scripts/setup.sh lab
.setup-dev:
	@sh scripts/setup.sh dev
