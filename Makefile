# `make` alone says what there is. Every target is one line to a command that can be typed by hand.
STACK ?= local
SITE ?=
python = .venv/bin/python
ops = $(python) -m ops

.DEFAULT_GOAL := help
.PHONY: help up rollback releases preview refresh output ft down reset test lint unit cloud engine roles rollout several e2e balanced test-all bench lock

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s'|'

up: .venv/.ready ## a site on a stack's cloud (STACK=local, SITE=<git URL or path>)
	@$(ops) up --stack $(STACK) $(if $(SITE),--site '$(SITE)') $(UPFLAGS)

preview: .venv/.ready ## what `make up` would change
	@$(ops) preview --stack $(STACK) $(if $(SITE),--site '$(SITE)')

rollback: .venv/.ready ## the release before goes live again, with no build (TO=<commit>: another)
	@$(ops) rollback --stack $(STACK) $(if $(SITE),--site '$(SITE)') $(if $(TO),--to '$(TO)') $(UPFLAGS)

releases: .venv/.ready ## what was released on a stack, when, by whom, and how it went
	@$(ops) releases --stack $(STACK)

refresh: .venv/.ready ## compare the stack's state with its cloud
	@$(ops) refresh --stack $(STACK)

output: .venv/.ready ## the stack's outputs as JSON
	@$(ops) output --stack $(STACK)

ft: .venv/.ready ## the site's functional tests against the stack, in a headless browser
	@tools/need.sh chromium=chromium chromedriver=chromium-driver
	@$(ops) ft --stack $(STACK)

down: .venv/.ready ## remove everything the stack made
	@$(ops) down --stack $(STACK)

reset: .venv/.ready ## remove the local cloud whole
	@$(ops) reset --stack $(STACK)

test: lint unit engine cloud roles rollout e2e ## all but several hosts: a quarter of an hour

test-all: export TEST_EVERYTHING = 1
test-all: test several balanced ## everything; what CI runs

lint: .venv/.ready ## style, types, shell scripts, workflows
	@tools/lint.sh

unit: .venv/.ready ## unit tests with Pulumi mocks (seconds)
	@$(python) -m pytest -q tests/unit

engine: .venv/.ready ## the local engine's tests
	@$(python) -m pytest -q tests/localengine

cloud: .venv/.ready ## the local cloud's tests
	@$(python) -m pytest -q tests/localcloud

roles: .venv/.ready ## the roles on a real host
	@$(python) -m pytest -q tests/roles

rollout: .venv/.ready ## releases on a real host
	@$(python) -m pytest -q tests/rollout

several: .venv/.ready ## releases on several hosts behind an edge, good and failing ones
	@$(python) -m pytest -q -m long tests/rollout

e2e: .venv/.ready ## from `make up` to functional tests, on a local cloud of its own
	@tools/need.sh chromium=chromium chromedriver=chromium-driver
	@$(python) -m pytest -q tests/e2e

balanced: .venv/.ready ## several hosts behind an edge, from `make up` to `make down`, on a local cloud of its own
	@$(python) -m pytest -q tests/balanced

bench: .venv/.ready ## this beside Ansible, pyinfra and Fabric doing the same work (BENCHFLAGS=--help)
	@$(python) -m tests.bench $(BENCHFLAGS)

lock: ## bring requirements.lock up to date with pyproject.toml
	@.venv/bin/uv pip compile -q pyproject.toml --group local --group dev --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade -o requirements.lock

.venv/.ready: requirements.lock tools/setup.sh
	@tools/setup.sh
