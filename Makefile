.DEFAULT_GOAL := help
PORT ?=

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: images venv ## bake the default project, start it and fetch its page (PORT=8090 for another port)
	@testbed/demo up $(PORT)

.PHONY: demo-down
demo-down: ## remove all that the demo made
	@testbed/demo down

.PHONY: test
test: setup ## run every test, those on a real engine included
	@testbed/test

.PHONY: test-fast
test-fast: venv ## run the tests that need no engine and no SDK
	@testbed/test fast

.PHONY: lint
lint: venv ## run every linter, on the template and on a project baked from it
	@testbed/lint

.PHONY: soak
soak: setup ## a million requests over twenty redeploys, then each fault; a quarter of an hour (SHORT=1: half a minute)
	@.venv/bin/python -m bench.soak $(if $(SHORT),--short)

.PHONY: bench
bench: setup ## requests per second through H2O, to the Unix socket and to the same app over TCP; two minutes
	@.venv/bin/python -m bench.socket_or_tcp

.PHONY: setup
setup: images venv ## have all that the tests need
	@testbed/tools

.PHONY: engine
engine: ## have a Docker engine that answers
	@testbed/engine up

.PHONY: images
images: engine ## have the base images: pulled, or stand-ins where no registry answers
	@testbed/images

.PHONY: venv
venv: ## have .venv, with Cookiecutter and the test runner
	@testbed/python

.PHONY: clean
clean: demo-down ## remove all of the above, an engine that was started here included
	@rm -rf .venv build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@testbed/engine remove
