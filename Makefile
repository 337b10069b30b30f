.DEFAULT_GOAL := help
PORT ?=
ANSWERS ?=
ONLY ?=
PROXY ?=
QUICK ?=
ROUNDS ?=
SECONDS ?=
SAVE ?=

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: images venv ## bake the default project, start it and fetch its page (PORT=8090, ANSWERS="key=value ...")
	@dev/demo up "$(PORT)" $(ANSWERS)

.PHONY: demo-down
demo-down: ## remove everything that the demo made
	@dev/demo down

.PHONY: test
test: setup ## run every test, those on a real engine included
	@dev/test

.PHONY: test-kubernetes
test-kubernetes: setup ## run the tests on a Kubernetes cluster, made here unless KUBE_CONTEXT names one; a quarter of an hour
	@dev/test kubernetes

.PHONY: test-fast
test-fast: venv ## run the tests that need no engine and no SDK
	@dev/test fast

.PHONY: lint
lint: venv ## run every linter, on the template and on a project of each combination of answers
	@dev/lint

.PHONY: soak
soak: setup ## send a million requests over twenty redeploys, then cause each fault, for each proxy; an hour and a half (SHORT=1, PROXY=nginx)
	@.venv/bin/python -m bench.soak $(if $(SHORT),--short) $(if $(PROXY),--proxy "$(PROXY)")

.PHONY: bench
bench: setup ## measure sockets against TCP and other proxies, generation and images; an hour (ONLY=compare QUICK=1 ROUNDS=5 SECONDS=2 SAVE=1)
	@$(if $(filter compare,$(or $(ONLY),compare)),testbed/python plots)
	@.venv/bin/python -m bench $(ONLY) $(if $(QUICK),--quick) $(if $(ROUNDS),--rounds "$(ROUNDS)") $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(SAVE),--save)

.PHONY: setup
setup: images venv ## install what the tests need
	@dev/tools

.PHONY: engine
engine: ## start a Docker engine, unless one answers
	@testbed/engine up

.PHONY: images
images: engine ## pull the base images, or build stand-ins where no registry answers
	@testbed/images

.PHONY: venv
venv: ## make .venv, with Cookiecutter and the test runner
	@testbed/python

.PHONY: clean
clean: demo-down ## remove all of the above, and the engine if it was started here
	@rm -rf .venv build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@testbed/engine remove
