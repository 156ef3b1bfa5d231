# Two commands are enough: `make demo` shows it, `make test` tests it. Each works on a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-servers check compose-check bench clean

demo: $(READY)
	$(BIN)/python -m examples.demo

test: $(READY)
	$(BIN)/python -m pytest

# Against real Kafka, Neo4j, OpenSearch and Redis, which it starts; tests/servers/conftest.py says where they come from.
test-servers: $(READY)
	ANNALS_TEST_SERVERS=1 $(BIN)/python -m pytest tests/servers

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m contracts.schemas check

# The file alone: no engine is needed, and the values stand for the passwords, which have no defaults.
compose-check: export ANNALS_POSTGRES_PASSWORD = x
compose-check: export ANNALS_NEO4J_PASSWORD = x
compose-check: export ANNALS_REDIS_PASSWORD = x
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
