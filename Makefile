.DEFAULT_GOAL := help
.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: engine
engine: ## a Docker engine that answers (Debian's, where there is none)
	@testbed/engine up

.PHONY: images
images: engine ## the base images: pulled, or stand-ins where no registry answers
	@testbed/images
