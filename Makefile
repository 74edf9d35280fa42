# Every target sets up what it needs: a virtual environment in .venv with this project and its tools, made once and
# brought up to date when pyproject.toml or uv.lock changes. Where uv is there it has the versions of uv.lock, else the
# newest that pip finds, as `make UV=` has too. More arguments for the command of a target: make claims ARGS="-k linear"

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
ARGS ?=
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.ready
BROWSER := tests/reports/browser
AXE := $(BROWSER)/node_modules/axe-core/package.json

# The workers of `-n auto` fill the machine already; threads below them would only get into each other's way.
export OMP_NUM_THREADS ?= 1
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help kills claims quick evidence test gpu ray coverage mutants axe lint format data docs bench clean

help: ## these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

claims: $(READY) ## test every claim at the standard scale and write the report
	@$(RUN) pytest claims -n auto $(ARGS)

quick: $(READY) ## test every claim at the quick scale
	@$(RUN) pytest claims -n auto --scale quick $(ARGS)

test: $(READY) axe ## the suite's own tests; those in a browser need Chromium, and axe-core for accessibility
	@$(RUN) pytest tests -n auto $(ARGS)

coverage: $(READY) axe ## the same tests, and which share of the lines they reach; fails below the floor
	@$(RUN) coverage erase
	@$(RUN) coverage run -m pytest tests -n auto $(ARGS)
	@$(RUN) coverage combine --quiet
	@$(RUN) coverage report

gpu: $(READY) ## the tests that need a CUDA device, and network-steps a second there
	@$(RUN) pytest tests/gpu -m gpu $(ARGS)
	@$(RUN) benchmarks.device

ray: $(READY) ## install Ray, and test the engine on a cluster of three nodes on this machine
	@$(VENV)/bin/python -c 'import ray' 2>/dev/null || $(RUN) pip install --quiet --disable-pip-version-check --editable '.[ray]' \
		|| uv pip install --quiet --python $(VENV) --editable '.[ray]'
	@$(RUN) pytest tests/gen_core/engines $(ARGS)

mutants: $(READY) ## plant faults in copies of the tree, and see the claims that they break turn red
	@$(RUN) tests.mutants $(ARGS)

axe: ## get axe-core from npm, where there is npm
	@if command -v npm >/dev/null; then $(MAKE) --silent $(AXE); fi

$(AXE): $(BROWSER)/package.json
	@npm install --prefix $(BROWSER) --no-package-lock --no-audit --no-fund --ignore-scripts --silent \
		&& touch $@ || echo "axe-core cannot be had from npm now: its tests are skipped"

lint: $(READY) ## style, format and types
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) pyright --pythonpath $(VENV)/bin/python

format: $(READY) ## put the code into its format
	@$(RUN) ruff format
	@$(RUN) ruff check --fix

# Seeds that no change has been tried on: pass others with QUICK and STANDARD for a table that owes nothing to this one.
QUICK ?= 301 302 303 304 305 306 307 308 309 310
STANDARD ?= 401 402 403
EVIDENCE := report/evidence

evidence: $(READY) ## run every claim with thirteen sets of fresh seeds and write the tables of claims/evidence
	@rm -rf $(EVIDENCE)/records
	@for seeds in $(QUICK); do $(RUN) pytest claims -n auto --scale quick --seeds-from $$seeds --report-dir $(EVIDENCE); done; \
	for seeds in $(STANDARD); do $(RUN) pytest claims -n auto --seeds-from $$seeds --report-dir $(EVIDENCE); done; \
	$(RUN) reports evidence $(EVIDENCE)/records/* -o claims/evidence --command "make evidence"

data: $(READY) ## get MNIST, Fashion-MNIST and CIFAR-10
	@$(RUN) gen_core.data $(ARGS)

kills: $(READY) ## kill runs of toy claims at 20 random moments, and check that the next run finds all whole (some minutes)
	@$(RUN) tests.kills $(ARGS)

docs: $(READY) ## make the site of docs in build/docs
	@$(RUN) sphinx --quiet --fail-on-warning --nitpicky --builder html --doctree-dir build/doctrees docs build/docs $(ARGS)

bench: $(READY) ## measure trainer, kernels, report and a figure beside the plain way (20 minutes)
	@$(RUN) pytest benchmarks --benchmark-only $(ARGS)

clean: ## remove the report, the store of trainings, caches and the environment
	@rm -rf report .gen-core $(VENV) $(BROWSER)/node_modules build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .benchmarks .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "%s is Python %d.%d; expected 3.11 or newer: make PYTHON=python3.11" % (sys.executable, *sys.version_info[:2]))'
	@echo "setting up $(VENV); the first time takes a few minutes, most of them for torch"
ifneq ($(UV),)
	@$(UV) sync --quiet --locked --inexact --extra dev --python $(PYTHON)
else
	@$(RUN) pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(RUN) pip install --quiet --disable-pip-version-check --editable '.[dev]'
endif
	@touch $@
