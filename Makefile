.DEFAULT_GOAL := help
# What one target needs is made side by side; several targets run one after the other.
MAKEFLAGS += $(if $(word 2,$(MAKECMDGOALS)),,--jobs=4)
unexport MAKEFLAGS MFLAGS
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
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: demo-images venv ## bake the default project, start it and fetch its page (PORT=8090, ANSWERS="key=value ...")
	@dev/demo up "$(PORT)" $(ANSWERS)

.PHONY: demo-down
demo-down: ## remove everything that the demo made
	@dev/demo down

.PHONY: test
test: test-images test-tools venv ## run the tests that every change needs, on a real engine too (ten minutes)
	@dev/test

.PHONY: test-all
test-all: images tools venv ## run the other tests: every proxy, native apps, every fault (half an hour)
	@dev/test all

.PHONY: test-kubernetes
test-kubernetes: images kubernetes-tools venv ## run the Kubernetes tests, on a cluster created here unless KUBE_CONTEXT names one (a quarter of an hour)
	@dev/test kubernetes

.PHONY: lint
lint: venv ## run every linter, on the template and on a project of each combination of answers
	@dev/lint

.PHONY: soak
soak: images tools venv ## send a million requests over twenty deployments, then cause each fault, for each proxy; an hour and a half (SHORT=1, PROXY=nginx)
	@.venv/bin/python -m bench.soak $(if $(SHORT),--short) $(if $(PROXY),--proxy "$(PROXY)")

.PHONY: bench
bench: images tools venv ## measure sockets against TCP and other proxies, generation and images; an hour (ONLY=compare QUICK=1 ROUNDS=5 SECONDS=2 SAVE=1)
	@$(if $(filter compare,$(or $(ONLY),compare)),testbed/python plots)
	@.venv/bin/python -m bench $(ONLY) $(if $(QUICK),--quick) $(if $(ROUNDS),--rounds "$(ROUNDS)") $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(SAVE),--save)

.PHONY: clean
clean: demo-down ## remove all of the above, and the engine if it was started here
	@rm -rf .venv build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@testbed/engine remove

# What the targets above need. Each does nothing if that is there already.
.PHONY: engine venv images demo-images test-images tools test-tools kubernetes-tools
engine:
	@testbed/engine up
venv:
	@testbed/python
images: engine
	@testbed/images all
demo-images: engine
	@dev/demo images $(ANSWERS)
test-images: engine
	@testbed/images debian aspnet sdk
tools:
	@dev/tools all
test-tools:
	@dev/tools
kubernetes-tools:
	@dev/tools kubernetes
