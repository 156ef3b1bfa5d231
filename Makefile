# Two commands are enough: `make demo` shows it, `make test` tests it. Each works on a fresh clone. CONTRIBUTING.md has the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What runs Annals, and what also tests it and runs any model of a hub: torch, some 5 GB more.
LIGHT := $(VENV)/.light
READY := $(VENV)/.ready
# A little below what `make coverage` measures. It rises with it.
FLOOR := 60
# Every process compiles what it imports anew where this is set, half a second for each command that a test runs.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo models lock test-unit coverage test test-embedded test-servers test-long check compose-check bench clean

demo: $(LIGHT)
	$(BIN)/python -m examples.demo

# The extra `models`: an embedder or entity model of a hub, on a GPU where there is one.
models: $(READY)

# What needs no server, no pipeline and no model: a minute at most. tests/support/tiers.py says what that is.
test-unit: $(READY)
	ANNALS_TEST_EXAMPLES=few $(BIN)/python -m tests.support.side_by_side

# The unit tests again, with branch coverage of what they run in this process; fails below the floor.
coverage: $(READY)
	$(BIN)/coverage run -m pytest -q -m unit
	$(BIN)/coverage report --fail-under=$(FLOOR)

# Everything but the long tests, on the embedded servers.
test: $(READY)
	$(BIN)/python -m pytest --durations=25

# The same without the unit tests, which `make coverage` runs, and those of `make test-servers`; of it a part, as pytest
# is told it.
PART :=
test-embedded: $(READY)
	$(BIN)/python -m pytest -m "not unit and not long" --ignore=tests/servers --durations=25 $(PART)

# Against real Kafka, Neo4j, OpenSearch and Redis, which it starts; tests/servers/conftest.py says where they come from.
# A server that cannot be had fails the tests that need it.
test-servers: $(READY)
	ANNALS_TEST_SERVERS=1 $(BIN)/python -m pytest tests/servers --durations=25

# Kills and load over many rounds, an hour and more. ANNALS_TEST_ROUNDS and ANNALS_TEST_SEED choose how many and which;
# every round prints its seed. Before them the unit tests look for new examples that fail.
test-long: $(READY)
	ANNALS_TEST_EXAMPLES=search $(BIN)/python -m tests.support.side_by_side
	ANNALS_TEST_SERVERS=1 $(BIN)/python -m pytest -m long -s

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m contracts.schemas check
	$(BIN)/python -m gateway.openapi_file check

# The file alone: no engine is needed, and the values stand for the secrets, which have no defaults.
compose-check: export ANNALS_POSTGRES_PASSWORD = x
compose-check: export ANNALS_NEO4J_PASSWORD = x
compose-check: export ANNALS_REDIS_PASSWORD = x
compose-check: export ANNALS_MASTER_KEY = x
compose-check:
	if docker compose version >/dev/null 2>&1; then docker compose config -q; else docker-compose config -q; fi

bench: $(READY)
	$(BIN)/python -m bench

# Everything comes from the lock files, by hash; nothing of the machine is used but Python itself, and uv where it is there.
$(LIGHT): requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements.lock)
	touch $@

$(READY): requirements-all.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-all.lock)
	touch $(LIGHT) $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Annals needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# A lock file is complete: no dependency is looked for beside it. uv, the machine's or a locked one, takes a tenth of pip's
# time; pip does it where uv cannot, as where an index is named to pip alone.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
UV := uv pip install --quiet --python $(BIN)/python --no-deps
define install
command -v uv >/dev/null || $(PIP) --require-hashes -r requirements-uv.lock || true
export PATH="$$PATH:$$PWD/$(BIN)"; \
  { $(UV) --require-hashes -r $(1) && $(UV) --no-build-isolation -e .; } \
  || { $(PIP) --require-hashes -r $(1) && $(PIP) --no-build-isolation -e .; }
endef

# The lock files anew from pyproject.toml, with what is locked already as far as it fits.
LOCK := PATH="$$PATH:$$PWD/$(BIN)" uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11
lock:
	$(LOCK) --group installer -o requirements-uv.lock
	$(LOCK) pyproject.toml --extra formats --group build -o requirements.lock
	$(LOCK) pyproject.toml --extra models --extra formats --extra analyst --group dev -c requirements.lock -o requirements-all.lock

clean:
	rm -rf $(VENV)
