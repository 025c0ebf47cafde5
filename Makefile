# dualstrap's tasks. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash -o pipefail

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X github.com/dualstrap/dualstrap/cmd/internal/cli.version=$(VERSION)
FUZZTIME ?= 5s

# The newest release of Kubernetes that dualstrap knows.
NEWEST := v1.37.2
TOOLS    := $(CURDIR)/build/tools

# The version comes from git describe; a clone that git does not trust must build all the same.
export GOFLAGS += -buildvcs=false

.PHONY: help
help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: prerequisites bundle ## on a fresh Debian machine, as root: build all, make hosts in containers, judge, plan, render
	@tools/demo.sh

.PHONY: demo-down
demo-down: lab-down ## remove the demo's hosts again

.PHONY: transcript
transcript: prerequisites bundle lab-down # records a demo on new hosts
	tools/demo.sh | sed -e 1d -e 's,$(CURDIR)/,,g' -e 's/ *$$//' >docs/transcript.txt

.PHONY: lab
lab: prerequisites build ## as root: make hosts to try dualstrap on, in containers
	build/dualstrap lab up

.PHONY: lab-down
lab-down: build ## remove those hosts again
	build/dualstrap lab down

.PHONY: build
build: ## build build/dualstrap, a static executable
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o build/dualstrap ./cmd/dualstrap

# What it has built before it does not build again, so this is for make to ask every time.
.PHONY: bundle
bundle: prerequisites build ## build build/bundle, what hosts need to become nodes: 20 minutes the first time
	build/dualstrap bundle build --output build/bundle

.PHONY: bundle-newest
bundle-newest: bundle ## build build/bundle-newest, that of the newest release: 10 minutes more the first time
	build/dualstrap bundle build --kubernetes-version $(NEWEST) --output build/bundle-newest

.PHONY: unit
unit: ## the quick loop: unit tests
	go vet ./...
	go test ./...

.PHONY: hostile
hostile: ## run the tests of bad input, and write their table in docs/security.md
	go test -json -run '^TestHostile' ./... | go run ./tools/hostile -write

.PHONY: test
test: prerequisites bundle bundle-newest tools lint generated ## everything, from clean: lint, unit with the race detector, fuzzing, integration
	DUALSTRAP_TOOLS=$(TOOLS) tools/test.sh $(FUZZTIME)

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## linters and formatting
	$(TOOLS)/golangci-lint run ./...
	$(TOOLS)/golangci-lint fmt --diff ./...

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint ## format all code
	$(TOOLS)/golangci-lint fmt ./...

.PHONY: golden
golden: ## rewrite all golden files; read the diff before you commit it
	go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs dirname | sort -u) -run 'Golden|Corpus' -update

.PHONY: bench
bench: programs ## measure, with the machine's name
	@DUALSTRAP_TOOLS=$(TOOLS) tools/bench.sh

.PHONY: generate
generate: $(TOOLS)/controller-gen ## regenerate deep copies, CRDs and schemas from the types
	tools/generate.sh

.PHONY: generated
generated: $(TOOLS)/controller-gen # fails when generated files are not what the types give
	tools/generate.sh --check

# It asks a database on the network, so it is no part of make test.
.PHONY: vuln
vuln: $(TOOLS)/govulncheck ## look for published vulnerabilities in dualstrap and in what bundles are built from
	tools/vuln.sh $(TOOLS)/govulncheck

# Programs that tests and tasks need. Those for the code are Go modules of their own, so their dependencies stay out of
# dualstrap's; those that read what is rendered are the bundle's.
.PHONY: tools
tools: $(TOOLS)/golangci-lint $(TOOLS)/controller-gen programs

$(TOOLS)/golangci-lint: tools/lint/go.mod
	go build -C tools/lint -o $(TOOLS)/ tool && touch $@

$(TOOLS)/controller-gen: tools/generate/go.mod $(wildcard tools/generate/openapi/*.go)
	go build -C tools/generate -o $(TOOLS)/ tool && touch $@

$(TOOLS)/govulncheck: tools/vuln/go.mod
	go build -C tools/vuln -o $(TOOLS)/ tool && touch $@

.PHONY: programs
programs: bundle
	build/dualstrap bundle extract build/bundle kube-apiserver kube-controller-manager kubeadm etcd containerd ptp host-local portmap --output-dir $(TOOLS)

.PHONY: prerequisites
prerequisites: # installs the Debian packages that are missing
	@tools/prerequisites.sh

.PHONY: clean
clean: ## remove what was built
	rm -rf build
