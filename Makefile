# Everything that a person or CI does with a checkout. `make run` and `make test` need nothing else.
SHELL := /bin/sh
PYTHON ?= python3
# Trust what the system trusts: a company's own certificate authority is in there and not in uv.
export UV_SYSTEM_CERTS := 1
VENV := .venv
BIN := $(VENV)/bin
# Says what a step of the set-up does, and how long it took.
STEP := sh scripts/step.sh
DATA ?= data
LISTEN ?= 127.0.0.1:8080
# As root on a host that can run it the linux plane; everybody else gets the simulated one.
PLANE ?= $(shell [ "$$(id -u)" = 0 ] && echo linux || echo simulated)

RUN_STAMP := $(VENV)/.run-$(shell cat requirements/run.lock | sha256sum | cut -c1-16)
PACKAGES_STAMP := $(VENV)/.packages-$(shell cat requirements/dev.lock | sha256sum | cut -c1-16)
DEV_STAMP := $(VENV)/.dev-$(shell cat requirements/dev.lock | sha256sum | cut -c1-16)
BENCH_STAMP := .venv-bench/.bench-$(shell cat requirements/bench.lock | sha256sum | cut -c1-16)

.PHONY: run demo test test-kernel soak check setup setup-dev setup-demo system format lock bench docs dist clean

run: setup ## serve the API
	@$(BIN)/gatewright serve --plane $(PLANE) --data $(DATA) --listen $(LISTEN)

demo: ## two sites, a gateway, and failures of its tunnel, to look at (root); DEMO="--plain --stay 1" for others
	@[ "$$(id -u)" = 0 ] || { \
		echo "make demo: it makes network namespaces and runs strongSwan in them, and needs root: sudo make demo" >&2; exit 1; }
	@$(MAKE) --no-print-directory setup-demo
	@$(BIN)/python -m demo $(DEMO)

test: setup-dev ## run the whole suite
	@$(BIN)/pytest -n 3 --dist worksteal $(PYTEST)

test-kernel: setup-dev ## tests of the kernel's ESP, on Debian's kernel in an emulated machine; ARGS=--all, ARGS="-k rekey"
	@sh scripts/system-packages.sh --vm
	@$(BIN)/python -m scripts.test_kernel $(ARGS)

soak: setup-dev ## 20 minutes of random orders, changes, deletions and kill -9; SOAK="--seed 1 --steps 50" for others
	@$(BIN)/python -m tests.soak $(SOAK)

check: setup-dev ## formatting, lints, types, layers, generated pages
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/generate_docs.py --check

setup: system $(RUN_STAMP)

setup-dev: system $(DEV_STAMP)

setup-demo: system $(PACKAGES_STAMP)

system: ## install Debian's packages, when there are rights to
	@sh scripts/system-packages.sh

$(BIN)/uv:
	@$(STEP) "Making $(VENV), with the uv of requirements/run.lock" sh scripts/make-venv.sh $(PYTHON) $(VENV) requirements/run.lock

$(RUN_STAMP): requirements/run.lock pyproject.toml | $(BIN)/uv
	@$(STEP) "Installing the packages of requirements/run.lock" \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.lock
	@$(STEP) "Installing Gatewright from this folder" \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@

$(PACKAGES_STAMP): requirements/dev.lock $(RUN_STAMP)
	@$(STEP) "Installing what tests and checks need, of requirements/dev.lock" \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@touch $@

$(DEV_STAMP): $(PACKAGES_STAMP)
	@sh scripts/node-clients.sh
	@touch $@

format: setup-dev ## format and mend what can be mended
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

docs: setup-dev ## generate the pages that follow from the declarations
	@$(BIN)/python scripts/generate_docs.py

site: setup-dev ## the pages as a site, in the folder `site`
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "site/index.html; its search wants a server: $(BIN)/python -m http.server --directory site"

lock: $(BIN)/uv ## resolve the dependencies anew
	@sh scripts/lock.sh $(BIN)/uv

$(BENCH_STAMP): requirements/bench.lock | $(BIN)/uv
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-bench
	@$(STEP) "Installing what is measured against, of requirements/bench.lock" \
		$(BIN)/uv pip install --quiet --python .venv-bench/bin/python --require-hashes -r requirements/bench.lock
	@touch $@

bench: setup-dev $(BENCH_STAMP) ## measure against moto and the bare floor, and draw docs/bench.md; BENCH=--quick for less
	@$(BIN)/python -m bench $(BENCH)

dist: setup-dev ## build the wheel and the sdist
	@$(BIN)/python -m hatchling build -d dist -t sdist -t wheel

clean: ## remove what set-up made
	rm -rf $(VENV) .venv-bench .cache tests/clients/node/node_modules
