# The one door: laptops and CI call these targets and nothing else.
PYTHON ?= python3
KUBECTL ?= kubectl
HELM ?= helm
IMAGE ?= &
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help

help: ## say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

dev: $(VENV)/ready ## a virtual environment with the pinned dependencies

$(VENV)/ready: pyproject.toml requirements/dev.txt
	@echo "once, about a minute: a virtual environment with the pinned dependencies, in $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/ready ## end to end on this machine: pack, inject, pull, verify
	$(BIN)/python deploy/demo.py

test: $(VENV)/ready lint demo ## every check: linters, types, rooms, the demo, and the tests against real parts
	-$(BIN)/python -m tests.parts
	$(BIN)/pytest --numprocesses 2 --dist loadfile --ignore tests/cluster

image: ## the image by buildah, as root and without a registry, to build/weighbridge.tar
	deploy/image/build.sh

manifests: ## one install.yaml and the chart's package, to build/; IMAGE=registry.example.com/weighbridge@sha256:… names the image
	@mkdir -p build
	$(KUBECTL) kustomize deploy > build/install.yaml.new
	sed 's|localhost/weighbridge:[0-9.]*|$(IMAGE)|' build/install.yaml.new > build/install.yaml
	@rm build/install.yaml.new
	$(HELM) package deploy/chart --destination build

e2e: $(VENV)/ready ## what a real cluster of one node makes of it all; needs root and some Debian packages
	-$(BIN)/python -m tests.parts --node
	$(BIN)/pytest tests/cluster

check: test ## the same door by its other name

lint: $(VENV)/ready ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/ready ## our pull and push beside peers: numbers to bench/results (an hour)
	$(BIN)/python -m bench

evaluate: $(VENV)/ready ## layouts, starts and fleets beside the peers, to docs/evaluation.md; QUICK=1 in ten minutes; needs root
	-$(BIN)/python -m tests.parts --node
	$(BIN)/python -m bench.evaluation $(if $(QUICK),--quick)

golden: $(VENV)/ready ## write the expected outputs anew; read the diff
	WEIGHBRIDGE_GOLDEN=write $(BIN)/pytest -q tests -k golden

laws: $(VENV)/ready ## ask the laws thousands of times: random faults, kills, strangers and mutations (an hour)
	WEIGHBRIDGE_LAWS=100 $(BIN)/pytest -q -n 2 --dist load tests/puller/test_laws.py tests/puller/store/test_cache.py \
	  tests/puller/store/test_crashes.py tests/puller/store/test_claims.py tests/puller/test_mirrors.py \
	  tests/packer/test_outcomes.py tests/test_mutations.py

lock: ## pin every dependency again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate pyproject.toml --extra keyless -o requirements/run.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate pyproject.toml --group dev -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --group go -o requirements/go.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --group build -o requirements/build.txt

.PHONY: help dev demo test image manifests e2e check lint bench evaluate golden laws lock
