# The two that matter: `make demo` and `make test`. Each does its own set-up.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
PACKAGES ?= ./...

.PHONY: help setup build demo test race histories kubelet mutants crash bench lint generate clean

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | expand -t 10

setup: ## get what building, testing and the demo need; says what it did
	@.ci/setup

build: ## one static binary: ./evenkeel
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o evenkeel ./cmd/evenkeel

demo: ## the whole estate on a disposable host: brought up, broken by hand, healed
	@.ci/setup --quiet
	@$(MAKE) --no-print-directory build
	@./evenkeel demo

test: ## all tests, those on real disposable hosts too
	@.ci/setup --quiet
	@.ci/test $(PACKAGES)

race: ## tests alone, with the race detector: make race PACKAGES=./controller/...
	CGO_ENABLED=1 go test -race $(PACKAGES)

kubelet: ## ask Kubernetes' own prober again what probes come to (minutes, and a hundred modules)
	cd .ci/kubelet && go test -count=1 .

mutants: ## test the tests: each guard taken out must make a named test fail (about six minutes)
	@.ci/mutate

histories: ## live through random histories of sick services: make histories N=1000000 FROM=0
	go test -count=1 -timeout 60m -v ./controller/ward -run TestHistories -histories $(or $(N),1000000) -from $(or $(FROM),0)

crash: ## kill -9 at each enumerated point: make crash TRIALS=100
	EVENKEEL_CRASH_TRIALS=$(or $(TRIALS),25) go test -count=1 -timeout 60m -v -run 'Kill|Crash|Budget' ./cmd/evenkeel/crash

bench: ## speed, as ratios of one run
	@if [ -x .ci/bench ]; then .ci/bench; else echo "bench: there is no .ci/bench here yet"; exit 1; fi

lint: ## gofmt, gofumpt, vet, staticcheck, shellcheck, actionlint, generated code
	@.ci/lint

generate: ## generated code, made anew
	go generate ./...

clean: ## what build and test left here (not the cached layer)
	rm -rf evenkeel bin
