# Two commands are enough: `make demo` shows it, `make test` tests it. Each works on a fresh clone. CONTRIBUTING.md has the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# A little below what `make coverage` measures. It rises with it.
FLOOR := 62

.PHONY: demo test-unit coverage test test-servers test-long check compose-check bench clean

demo: $(READY)
	$(BIN)/python -m examples.demo

# What needs no server, no pipeline and no model: a minute at most. tests/support/tiers.py says what that is.
test-unit: $(READY)
	$(BIN)/python -m pytest -q -m unit

# The unit tests again, with branch coverage of what they run in this process; fails below the floor.
coverage: $(READY)
	$(BIN)/coverage run -m pytest -q -m unit
	$(BIN)/coverage report --fail-under=$(FLOOR)

# Everything but the long tests, on the embedded servers.
test: $(READY)
	$(BIN)/python -m pytest

# Against real Kafka, Neo4j, OpenSearch and Redis, which it starts; tests/servers/conftest.py says where they come from.
# A server that cannot be had fails the tests that need it.
test-servers: $(READY)
	ANNALS_TEST_SERVERS=1 $(BIN)/python -m pytest tests/servers

# Kills and load over many rounds, an hour and more. ANNALS_TEST_ROUNDS and ANNALS_TEST_SEED choose how many and which;
# every round prints its seed.
test-long: $(READY)
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

# Everything comes from the lock file, by hash; nothing of the machine is used but Python itself.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Annals needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

clean:
	rm -rf $(VENV)
