# SPDX-License-Identifier: BSD-2-Clause
# One file, no recursion. `make help` lists the words. V=1 shows commands.

VERSION   := 0.1.0
ifeq ($(origin CC),default)
CC        := gcc
endif
CLANG     ?= clang
BPFTOOL   ?= $(firstword $(wildcard /usr/lib/linux-tools*/bpftool /usr/lib/linux-tools/*/bpftool /usr/sbin/bpftool \
	/usr/local/sbin/bpftool) bpftool)
PKGCONFIG ?= pkg-config
PREFIX    ?= /usr/local
B         := build

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n' "$(1)" "$(2)"
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

# ---- rooms, right to left: a room links against those whose output it eats (the plates' `may:` lines) ----
ROOMS := base rules probe drain proc py flow mark http genai trace guard store view session cmd
WITH_base    :=
WITH_rules   := base
WITH_probe   := rules base
WITH_drain   := base
WITH_proc    := drain $(WITH_drain)
WITH_py      := proc $(WITH_proc)
WITH_flow    := proc $(WITH_proc)
WITH_mark    := proc $(WITH_proc)
WITH_http    := flow $(WITH_flow)
WITH_genai   := http $(WITH_http)
WITH_trace   := genai mark py rules $(WITH_genai)
WITH_guard   := trace $(WITH_trace)
WITH_store   := trace $(WITH_trace)
WITH_view    := guard store $(WITH_guard)
WITH_session := view probe rules $(WITH_view)
WITH_cmd     := session $(WITH_session)
WITH_pipeline := view $(WITH_view)

LIBS_PKG  := libbpf libelf zlib libbrotlidec libzstd libnghttp2 libsodium libxxhash libseccomp libcap
PKG_CFLAGS := $(shell $(PKGCONFIG) --cflags $(LIBS_PKG) 2>/dev/null)
# Zydis has no pkg-config file in Debian 12.
PKG_LIBS   := $(shell $(PKGCONFIG) --libs $(LIBS_PKG) 2>/dev/null) -lZydis

IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null | head -n1))
WARN     := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow=local -Wpointer-arith
ifneq ($(IS_CLANG),)
WARN     := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wno-gnu-variable-sized-type-not-at-end
HARDEN_CC :=
else
HARDEN_CC := -ftrivial-auto-var-init=zero
endif
HARDEN   := -fstack-protector-strong -fPIE -fcf-protection $(HARDEN_CC)
CPPFLAGS += -D_GNU_SOURCE -DBOTTRACE_VERSION='"$(VERSION)"' -Iuser -Ibpf -I$(B)/bpf $(PKG_CFLAGS)
CFLAGS   ?= -O2 -g
override CFLAGS += -std=gnu11 $(WARN) $(HARDEN) -pthread
FORTIFY  := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread
# Lines for the sanitisers' reports, and no more: variables' places cost a fifth of the time to compile. SAN_DEBUG=-g has them.
SAN_DEBUG := -g1
SAN_LINK := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SAN      := $(SAN_DEBUG) $(SAN_LINK) -fno-omit-frame-pointer

.PHONY: all help
all: $(B)/bottrace

help:
	@sed -n 's/^## //p' Makefile

## make             build/bottrace
## make deps        install what is missing from the distribution
## make demo        a real agent under trace, from a bare machine
## make test        all that this machine can run, at most 10 minutes; last line: N passed, N failed, N skipped
## make test-unit   the part of it that needs no root
## make test-pythons  its part with clients, under every CPython >= 3.8 on this machine
## make test-truth  agents of frameworks against what their own instrumentation tells; writes the table of docs/truth.md
## make test-providers  its part with the providers' own clients, in every mode
## make fuzz        every parser under libFuzzer, FUZZ_SECONDS (60) each; docs/fuzz.md
## make fuzz-coverage  how much of each parser the corpora in the tree reach; fuzz-trim takes what was found into them
## make bench       what tracing costs on this machine (root, about 10 minutes); tests/bench/bench.py has options
## make lint        plates, include direction, sizes, names, headers alone, format, shell scripts
## make map         the rooms' plates in pipeline order
## make install     DESTDIR, PREFIX
## make clean

# ---- kernel side ----
ARCH    := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')
BPF_SRC := $(wildcard bpf/*.bpf.c)
BPF_OBJ := $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
BPF_CFLAGS := -O2 -g -target bpf -D__TARGET_ARCH_$(ARCH) -std=gnu11 -Wall -Wextra -Werror \
	-Wno-unused-parameter -Ibpf -Ivmlinux/$(ARCH) -mcpu=v2

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(PKG_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(B)/bpf/bottrace.o: $(BPF_OBJ)
	$(call say,LINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(B)/bpf/bottrace.skel.h: $(B)/bpf/bottrace.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name bottrace > $@

# ---- user side ----
USER_SRC := $(wildcard user/*.c user/*/*.c)
USER_OBJ := $(USER_SRC:user/%.c=$(B)/user/%.o)
SKEL_USERS := $(patsubst user/%.c,%,$(shell grep -ls 'bottrace.skel.h' user/*/*.c))

$(SKEL_USERS:%=$(B)/user/%.o) $(SKEL_USERS:%=$(B)/san/%.o): $(B)/bpf/bottrace.skel.h

# the price table is a part of the program
$(foreach d,user san fuzz/user cover/user,$(B)/$(d)/genai/builtin.o): tools/prices/prices.tsv
# and so are the rules for frames
$(foreach d,user san fuzz/user cover/user,$(B)/$(d)/rules/builtin.o): tools/rules/frames.tsv

$(B)/user/%.o: user/%.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(FORTIFY) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/bottrace: $(USER_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(PKG_LIBS) -lm -o $@

# ---- unit tests: one binary a file, under ASAN and UBSAN, allocations can be made to fail ----
$(B)/san/%.o: user/%.c
	$(call say,CC-SAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -O2,$(CFLAGS)) -O1 $(SAN) -MMD -MP -c $< -o $@

# Not optimised: that would take longer than it saves, for what runs is the rooms' code.
$(B)/san/tests/%.o: tests/%.c
	$(call say,CC-SAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit/harness $(filter-out -O2,$(CFLAGS)) -O0 $(SAN) -MMD -MP -c $< -o $@

define room_archive
$(B)/san/lib$(1).a: $(patsubst user/%.c,$(B)/san/%.o,$(wildcard user/$(1)/*.c))
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_archive,$(r))))
$(B)/san/libpipeline.a: $(B)/san/pipeline.o
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/san/libharness.a: $(patsubst tests/%.c,$(B)/san/tests/%.o,$(wildcard tests/unit/harness/*.c))
	$(Q)rm -f $@ && ar rcs $@ $^

WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
# the rooms that a test of room $1 links: itself, its `with`, and for top rooms the pipeline
archives = $(B)/san/lib$(1).a $(if $(filter session cmd,$(1)),$(B)/san/libpipeline.a) $(foreach r,$(sort $(WITH_$(1)) base),$(B)/san/lib$(r).a) $(B)/san/libharness.a

UNIT_SRC := $(wildcard tests/unit/*/*_test.c)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)

define unit_binary
$(B)/unit/$(1): $(B)/san/tests/unit/$(1).o $(call archives,$(patsubst %/,%,$(dir $(1))))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $(SAN_LINK) -pthread $(WRAP) $$< -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $(PKG_LIBS) -lcmocka -lm -o $$@
endef
$(foreach u,$(UNIT_SRC:tests/unit/%.c=%),$(eval $(call unit_binary,$(u))))

.PHONY: test test-unit bench lint map deps demo install clean format
# one room's unit tests: make unit-http
unit-%: ;
$(foreach r,$(ROOMS) pipeline,$(eval unit-$(r): $(filter $(B)/unit/$(r)/%,$(UNIT_BIN)); @set -e; for t in $$^; do $$$$t; done))

test-unit: $(UNIT_BIN)
	@tests/run unit

# The second make sees what the first one installed.
test:
	@tools/deps
	@$(MAKE) --no-print-directory -j2 all units replays
	@tests/run all

test-pythons: all
	@TEST_PYTHONS=all BOTTRACE=$(abspath $(B)/bottrace) tests/run live/sdk_test live/capture_test live/stack_test live/caller_test live/marker_test \
		live/frames_test live/outward_test live/agent_test live/event_test

test-truth: all
	@TEST_TRUTH=all TRUTH_TABLE=docs/truth.md BOTTRACE=$(abspath $(B)/bottrace) tests/run truth/truth_test

test-providers: all
	@TEST_PROVIDERS=all BOTTRACE=$(abspath $(B)/bottrace) tests/run live/provider_test live/proxy_test live/websocket_test

.PHONY: units test-pythons test-truth test-providers
bench: all
	@BOTTRACE=$(abspath $(B)/bottrace) tests/bench/bench.py
.PHONY: units
units: $(UNIT_BIN)

# ---- fuzzing: a target is a file in tests/fuzz and a row in tests/fuzz/targets (docs/fuzz.md) ----
FUZZ     := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_SRC := $(filter-out user/main.c,$(USER_SRC))
FUZZ_CFLAGS := -std=gnu11 -Wall -Wextra -Wno-gnu-variable-sized-type-not-at-end -g -O1 -fno-omit-frame-pointer -pthread
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
COVER    := -fprofile-instr-generate -fcoverage-mapping

# $1: directory, $2: its flags: everything but main in one archive
define fuzz_objects
$(B)/$(1)/%.o: %.c
	$$(call say,CC-FUZZ,$$<)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(CLANG) $$(CPPFLAGS) -Itests/fuzz/harness -Itests/unit $(FUZZ_CFLAGS) $(2) -MMD -MP -c $$< -o $$@
$(B)/$(1)/libuser.a: $(FUZZ_SRC:%.c=$(B)/$(1)/%.o)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
$(SKEL_USERS:%=$(B)/$(1)/user/%.o): $(B)/bpf/bottrace.skel.h
endef
$(eval $(call fuzz_objects,fuzz,-fsanitize=fuzzer-no-link $(FUZZ_SAN)))
$(eval $(call fuzz_objects,cover,$(COVER)))

$(B)/fuzz/bin/%: $(B)/fuzz/tests/fuzz/%.o $(B)/fuzz/libuser.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -fsanitize=fuzzer $(FUZZ_SAN) -pthread $^ $(PKG_LIBS) -lm -o $@
# the same code, replayed: which edges an input reaches, for choosing the corpus
$(B)/fuzz/edges/%: $(B)/fuzz/tests/fuzz/%.o $(B)/fuzz/tests/fuzz/harness/replay.o $(B)/fuzz/libuser.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_SAN) -pthread $^ $(PKG_LIBS) -lm -o $@
$(B)/cover/bin/%: $(B)/cover/tests/fuzz/%.o $(B)/cover/tests/fuzz/harness/replay.o $(B)/cover/libuser.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(COVER) -pthread $^ $(PKG_LIBS) -lm -o $@
# by either compiler, with the objects of the unit tests
$(B)/replay/%: $(B)/san/tests/fuzz/%.o $(B)/san/tests/fuzz/harness/replay.o $(B)/san/libpipeline.a $(ROOMS:%=$(B)/san/lib%.a)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SAN_LINK) -pthread $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(PKG_LIBS) -lm -o $@
$(B)/san/tests/fuzz/%.o: CPPFLAGS += -Itests/fuzz/harness -Itests/unit

.PHONY: replays fuzzers fuzz fuzz-coverage fuzz-trim
replays: $(FUZZ:%=$(B)/replay/%)
fuzzers: $(FUZZ:%=$(B)/fuzz/bin/%)
fuzz:
	@tools/deps
	@$(MAKE) --no-print-directory -j2 fuzzers
	@B=$(B) tests/fuzz/run fuzz $(FUZZ_ONLY)
fuzz-coverage: $(FUZZ:%=$(B)/cover/bin/%)
	@B=$(B) tests/fuzz/run coverage $(FUZZ_ONLY)
fuzz-trim: $(FUZZ:%=$(B)/fuzz/edges/%)
	@B=$(B) tests/fuzz/run trim $(FUZZ_ONLY)

lint:
	@tools/lint

map:
	@tools/map

deps:
	@tools/deps

demo:
	@tools/deps
	@$(MAKE) --no-print-directory -j2 all
	@tools/demo

format:
	@clang-format -i $(shell git ls-files '*.c' '*.h' | grep -v '^vmlinux/')

install: $(B)/bottrace
	install -D -m 0755 $(B)/bottrace $(DESTDIR)$(PREFIX)/bin/bottrace
	install -D -m 0644 tools/python/bottrace.py $(DESTDIR)$(PREFIX)/share/bottrace/python/bottrace.py

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
