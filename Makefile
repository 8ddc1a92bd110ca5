# Codex: what a developer types. `make help` explains itself.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

export GOFLAGS ?= -buildvcs=false
export CGO_ENABLED ?= 0

ROOT     := $(CURDIR)
BIN      := $(ROOT)/.bin
SERVICES := auth gateway webhook storage web
MODULES  := pkg migrations $(addprefix services/,$(SERVICES)) deploy/local deploy/e2e deploy/bench deploy/checks
ALONE    := deploy/dev-s3 deploy/tools
WEB      := services/web/app
NODE_DIRS := $(WEB) deploy/e2e/client deploy/e2e/browser deploy/e2e/better-auth
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/static $(WEB)/package.json $(WEB)/svelte.config.js $(WEB)/vite.config.ts -type f 2>/dev/null)
NODE_MODULES := $(addsuffix /node_modules/.package-lock.json,$(NODE_DIRS))

# RACE=1 runs the tests with the race detector, which needs cgo.
RACE ?=
ifeq ($(RACE),1)
  TEST_ENV  := CGO_ENABLED=1
  RACE_FLAG := -race
endif
# Packages for `make test`; narrow it: make test PKG=./services/auth/...
PKG ?= work

.PHONY: help
help: ## Show this list
	@echo "Codex: make <target>"
	@awk 'BEGIN{FS=":.*## "} /^[a-z0-9-]+:.*## /{printf "  \033[1m%-12s\033[0m %s\n",$$1,$$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Variables: RACE=1 (test) · PKG=./path/... (test) · LOGS=auth,gateway (dev) · CODEX_PORTS=auto (dev) · ONLY=part (bench) · VULNDB=file://... (vuln)"

.PHONY: dev
dev: ## Start everything (database, Redis, S3, inbox, Stripe stand-in, five services, web app); Ctrl-C stops it
	@mkdir -p $(BIN)
	@go build -o $(BIN)/codex-local ./deploy/local
	@exec $(BIN)/codex-local

.PHONY: deps
deps: ## Install what tests need: Debian packages (as root), Go modules, developer tools, npm packages
	@deploy/tools/deps.sh
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod download); done
	@for m in $(ALONE); do (cd $$m && GOWORK=off go mod download); done
	@$(MAKE) --no-print-directory tools $(NODE_MODULES)

.PHONY: tools
tools: $(BIN)/golangci-lint $(BIN)/govulncheck ## Build the pinned developer tools into .bin/

$(BIN)/golangci-lint: deploy/tools/go.sum
	@mkdir -p $(BIN) && echo "build golangci-lint (once)"
	@cd deploy/tools && GOWORK=off go build -trimpath -ldflags='-s -w' -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/govulncheck: deploy/tools/go.sum
	@mkdir -p $(BIN) && cd deploy/tools && GOWORK=off go build -trimpath -ldflags='-s -w' -o $@ golang.org/x/vuln/cmd/govulncheck

.PHONY: web
web: $(WEB)/build/index.html ## Build the web app into services/web/app/build (embedded by the web service)

$(WEB)/build/index.html: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	@cd $(WEB) && npm run --silent build && touch build/index.html

%/node_modules/.package-lock.json: %/package-lock.json
	@echo "npm ci: $*"
	@cd $* && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json

.PHONY: build
build: web ## Build the five services into .bin/
	@mkdir -p $(BIN)
	@for s in $(SERVICES); do go build -trimpath -ldflags='-s -w' -o $(BIN)/$$s ./services/$$s; done

.PHONY: fmt
fmt: ## gofmt every Go module
	@gofmt -w $(MODULES) $(ALONE)

.PHONY: lint
lint: tools web ## gofmt, go vet, golangci-lint, svelte-check, tsc, eslint
	@bad=$$(gofmt -l $(MODULES) deploy/dev-s3); if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi
	@go vet work
	@cd deploy/dev-s3 && GOWORK=off go vet ./...
	@$(BIN)/golangci-lint run $(addprefix ./,$(addsuffix /...,$(MODULES)))
	@cd $(WEB) && npm run --silent check && npm run --silent lint

.PHONY: test
test: web $(NODE_MODULES) ## Everything that proves the product except the browser (RACE=1: race detector)
	@$(MAKE) --no-print-directory test-web
	@pkgs=$$(go list $(PKG) | grep -v '/deploy/e2e/browser$$'); \
	  $(TEST_ENV) go test -shuffle=on -count=1 -p 2 -timeout 14m $(RACE_FLAG) $$pkgs

.PHONY: test-web
test-web: $(WEB)/node_modules/.package-lock.json ## The web app's own unit tests
	@cd $(WEB) && npm test --silent

.PHONY: e2e
e2e: web $(NODE_MODULES) ## A person's journey in a real Chromium against the whole stack; screenshots in artifacts/
	@go test -count=1 -timeout 10m -v ./deploy/e2e/browser

.PHONY: soak
soak: ## The property, crash and load tests at full size, and each fuzzer for FUZZTIME (default 30s)
	@CODEX_SOAK=1 $(TEST_ENV) go test -count=1 -p 1 -timeout 60m $(RACE_FLAG) $$(go list $(PKG) | grep -v '/deploy/e2e/browser$$')
	@$(MAKE) --no-print-directory fuzz

.PHONY: fuzz
fuzz: ## Each fuzzer of the workspace for FUZZTIME (default 30s); make fuzz FUZZ=Forwarded FUZZTIME=5m: those of that name
	@deploy/tools/fuzz.sh $${FUZZTIME:-30s} $(FUZZ)

.PHONY: bench
bench: ## Ratios against peers and floors: gateway, overload, auth, webhook, storage (ONLY=gateway: that part)
	@deploy/tools/deps.sh bench || echo "bench: goes on without them, as far as it can"
	@go run ./deploy/bench -only "$(ONLY)"

.PHONY: pgo
pgo: ## Rewrite the gateway's profile (services/gateway/default.pgo) from the benchmark's load; builds use it
	@go run ./deploy/bench -only profile -seconds 30

.PHONY: deps-bench
deps-bench: ## Install what only `make bench` starts: load, HAProxy, nginx with Lua (Debian packages, as root)
	@deploy/tools/deps.sh bench

.PHONY: test-report
test-report: ## Shares of unit, integration and end-to-end tests
	@go run ./deploy/checks/shares

.PHONY: requirements
requirements: ## Rewrite each REQUIREMENTS.md: which test proves which requirement
	@go run ./deploy/checks/requirements

.PHONY: vuln
vuln: $(BIN)/govulncheck ## Known vulnerabilities that our code reaches (VULNDB=file://... without network)
	@for m in $(MODULES); do echo "govulncheck: $$m"; (cd $$m && $(BIN)/govulncheck $(if $(VULNDB),-db $(VULNDB)) ./...); done

.PHONY: openapi
openapi: $(WEB)/node_modules/.package-lock.json ## Rewrite each service's openapi.yaml from its code, and the web app's types from those
	@UPDATE=1 go test -count=1 -run OpenAPI $(addprefix ./services/,$(addsuffix /...,$(SERVICES)))
	@cd $(WEB) && npm run --silent types

.PHONY: tidy
tidy: ## go mod tidy in every module
	@for m in $(MODULES); do (cd $$m && GOWORK=off go mod tidy); done
	@for m in $(ALONE); do (cd $$m && GOWORK=off go mod tidy); done

.PHONY: clean
clean: ## Remove what was built and the development data (.codex/, .bin/, artifacts/)
	@rm -rf .codex .bin artifacts $(WEB)/.svelte-kit $(addsuffix /node_modules,$(NODE_DIRS))
	@find $(WEB)/build -mindepth 1 ! -name .gitkeep -delete
