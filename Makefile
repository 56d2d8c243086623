# Everything a newcomer needs: make demo, make play, make test. Needs Python 3.11 to 3.14, make and git.
IN_RANGE := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(IN_RANGE)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: demo look play test test-play test-image play-loop test-clients check fuzz soak bench scale format lock readme words pictures clean

demo: .venv/runtime
	$(BIN)/python -m sandbox demo

# The real bot on a page in the browser; Ctrl-C ends it.
play: .venv/runtime
	$(BIN)/python -m sandbox play

test: .venv/dev .servers/moto/installed
	$(BIN)/python -m pytest

# Every kind of message as Discord shows it, dark and light, in build/look: make look, or make look ONLY=card-finished
look: .venv/runtime
	$(BIN)/python -m sandbox look $(ONLY)

# The page of make play in the system's Chromium; screenshots go to build/play.
test-play: .venv/browser
	$(BIN)/python -m pytest tests/browser -n 0

# The image, built and run: with Docker, Podman, or Buildah as root. Says so where it cannot be.
test-image: .venv/dev
	$(BIN)/python -m pytest tests/image -n 0 -s

# The picture at the top of the README, recorded from the page.
play-loop: .venv/browser
	$(BIN)/python -m tests.browser.record

# Other libraries on the stand-ins, in environments of their own: two of them are named discord as well.
CLIENTS := tests/contract/clients
test-clients: .venv/dev .clients/python/installed .clients/pycord/installed .clients/node/installed
	$(BIN)/python -m pytest tests/contract/test_foreign_clients.py

.clients/%/installed: $(CLIENTS)/%.lock
	test -x .clients/$*/bin/python || $(PYTHON) -m venv .clients/$*
	.clients/$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

.clients/node/installed: $(CLIENTS)/package.json $(CLIENTS)/package-lock.json
	mkdir -p .clients/node
	@if command -v npm >/dev/null; then cp $^ .clients/node && \
		npm ci --prefix .clients/node --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "The clients for JavaScript are left out: they need node and npm, which are not here."; fi

# Servers that tests run on, in environments of their own.
.servers/%/installed: tests/servers/%.lock
	test -x .servers/$*/bin/python || $(PYTHON) -m venv .servers/$*
	.servers/$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	touch $@

check: .venv/browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

# The property tests alone, longer and at random; `make test` tries the same examples on every run.
fuzz: .venv/dev
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=fuzz $(ONLY)

# Sixty kills under mixed traffic, and eight thousand jobs; twenty minutes. `make soak ONLY=kills` runs one part.
soak: .venv/dev
	$(BIN)/python -m tests.soak $(ONLY)

# `make bench ONLY=ack` runs one yardstick; several stand in quotes.
bench: .venv/dev
	$(BIN)/python -m tests.bench $(ONLY)

# Several processes on PostgreSQL in thousands of servers, killed at random; ten minutes. `make scale ONLY=kills`, or
# `make scale ONLY="traffic --servers 500"`.
scale: .venv/dev
	$(BIN)/python -m tests.scale $(ONLY)

format: .venv/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/runtime: requirements.lock
	@test -n "$(PYTHON)" || { echo "Wanda needs Python 3.11 to 3.14, and none was found on PATH."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --requirement requirements.lock
	touch $@

.venv/dev: .venv/runtime requirements-dev.lock
	$(PIP) --requirement requirements-dev.lock
	touch $@

.venv/browser: .venv/dev requirements-browser.lock
	$(PIP) --requirement requirements-browser.lock
	touch $@

# Both lock files hold for every Python from 3.11 on: versions and hashes, and no word of where they come from.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header
lock:
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) pyproject.toml --extra postgres --output-file requirements.lock
	$(LOCK) pyproject.toml --extra postgres --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) pyproject.toml --extra postgres --extra dev --extra browser --constraint requirements-dev.lock \
		--output-file requirements-browser.lock
	$(LOCK) $(CLIENTS)/python.txt --output-file $(CLIENTS)/python.lock
	$(LOCK) $(CLIENTS)/pycord.txt --output-file $(CLIENTS)/pycord.lock
	$(LOCK) tests/servers/moto.txt --output-file tests/servers/moto.lock
	npm install --prefix $(CLIENTS) --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

readme: .venv/runtime
	$(BIN)/python -m sandbox readme
	$(BIN)/python -m bot.storage.schema_doc

# The pictures of /help, a finished card, and the film in the README, which the bot makes on the stand-ins in two minutes.
pictures: .venv/runtime
	$(BIN)/python -m sandbox.help_pictures
	$(BIN)/python -m sandbox look card-finished-dark
	cp build/look/card-finished-dark.png docs/card.png
	$(BIN)/python -m sandbox.film_preview

# What people read, as tests/unit/texts/texts.snap; read the difference before you commit it.
words: .venv/dev
	$(BIN)/python -m tests.unit.texts.snapshot

clean:
	rm -rf .venv .clients .servers demo-output build
