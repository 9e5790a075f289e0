/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sample must look like, read and approved by a person; see text_test.c. */
#ifndef UNIT_VIEW_GOLDEN_H
#define UNIT_VIEW_GOLDEN_H

/* clang-format off */
static const char tree_pipe[] =
	"python3 agent.py --fast  1m12s  error  incomplete  llm 2  tools 1  tokens 8.5k->311  $0.0078  errors 2  exit 1  (pid 100)\n"
	"\342\224\234\342\224\200 2 llm   claude-sonnet-4-5-20250929    2.31 s  8.4k->311  8.2k cached  $0.0078\n"
	"\342\224\234\342\224\200 3 tool  bash pytest -q tests/auth     5.88 s  \342\234\227 tool_error\n"
	"\342\224\202   \342\224\224\342\224\200 4 proc  pytest -q tests/auth      5.70 s  killed by SIGKILL (9)  (pid 48301)  (parent inferred: exec)\n"
	"\342\224\234\342\224\200 5 llm   claude-sonnet-4-5             1.02 s  120->?  \342\234\227 overloaded_error Over\\e]0;loaded  retried \303\2272  ! gap 512 B read (ring_full)\n"
	"\342\224\224\342\224\200 6 http  POST hooks.example/notify/\303\244        -  open since 41.0 s\n"
	"gaps: 1, 512 B in spans 5     parent links: 4 certain, 1 inferred (4: exec)\n"
	"ledger: calls 391 = 388 kept + 3 ring_full; bytes 212,044 = 211,532 kept + 512 missing; events 12 = 12 kept + 0 lost\n"
	"blind: pid 100: grpc: static BoringSSL without symbols\n";

static const char tree_100[] =
	"python3 agent.py --fast  1m12s  error  incomplete  llm 2  tools 1  tokens 8.5k->311  $0.0078  error\342\200\246\n"
	"\342\224\234\342\224\200 2 llm   claude-sonnet-4-5-20250929    2.31 s  8.4k->311  8.2k cached  $0.0078\n"
	"\342\224\234\342\224\200 3 tool  bash pytest -q tests/auth     5.88 s  \342\234\227 tool_error\n"
	"\342\224\202   \342\224\224\342\224\200 4 proc  pytest -q tests/auth      5.70 s  killed by SIGKILL (9)  (pid 48301)  (parent inferr\342\200\246\n"
	"\342\224\234\342\224\200 5 llm   claude-sonnet-4-5             1.02 s  120->?  \342\234\227 overloaded_error Over\\e]0;loaded  retrie\342\200\246\n"
	"\342\224\224\342\224\200 6 http  POST hooks.example/notify/\303\244        -  open since 41.0 s\n"
	"gaps: 1, 512 B in spans 5     parent links: 4 certain, 1 inferred (4: exec)\n"
	"ledger: calls 391 = 388 kept + 3 ring_full\n"
	"        bytes 212,044 = 211,532 kept + 512 missing\n"
	"        events 12 = 12 kept + 0 lost\n"
	"blind: pid 100: grpc: static BoringSSL without symbols\n";

static const char tree_60_ascii[] =
	"python3 agent.py --fast  1m12s  error  incomplete  llm 2 ...\n"
	"|- 2 llm   claude-sonnet-4-...   2.31 s  8.4k->311  8.2k ...\n"
	"|- 3 tool  bash pytest -q t...   5.88 s  !! tool_error\n"
	"|   `- 4 proc  pytest -q te...   5.70 s  killed by SIGKIL...\n"
	"|- 5 llm   claude-sonnet-4-5     1.02 s  120->?  !! overl...\n"
	"`- 6 http  POST hooks.examp...        -  open since 41.0 s\n"
	"gaps: 1, 512 B in spans 5\n"
	"parent links: 4 certain, 1 inferred (4: exec)\n"
	"ledger: calls 391 = 388 kept + 3 ring_full\n"
	"        bytes 212,044 = 211,532 kept + 512 missing\n"
	"        events 12 = 12 kept + 0 lost\n"
	"blind: pid 100: grpc: static BoringSSL without symbols\n";

static const char tree_colour_100[] =
	"\033[1mpython3 agent.py --fast\033[0m  1m12s  \033[31merror\033[0m\033[33m  incomplete\033[0m  llm 2  tools 1  tokens 8.5k->311  $0.0078\033[31m  error\342\200\246\033[0m\n"
	"\033[2m\342\224\234\342\224\200 \033[0m2 \033[36mllm   \033[0mclaude-sonnet-4-5-20250929    2.31 s  8.4k->311\033[2m  8.2k cached\033[0m  $0.0078\n"
	"\033[2m\342\224\234\342\224\200 \033[0m3 \033[32mtool  \033[0mbash pytest -q tests/auth     5.88 s\033[31m  \342\234\227 tool_error\033[0m\n"
	"\033[2m\342\224\202   \342\224\224\342\224\200 \033[0m4 proc  pytest -q tests/auth      5.70 s\033[31m  killed by SIGKILL (9)\033[0m\033[2m  (pid 48301)  (parent inferr\342\200\246\033[0m\n"
	"\033[2m\342\224\234\342\224\200 \033[0m5 \033[36mllm   \033[0mclaude-sonnet-4-5             1.02 s  120->?\033[31m  \342\234\227 overloaded_error Over\\e]0;loaded\033[0m\033[33m  retrie\342\200\246\033[0m\n"
	"\033[2m\342\224\224\342\224\200 \033[0m6 http  POST hooks.example/notify/\303\244        -\033[33m  open since 41.0 s\033[0m\n"
	"\033[33mgaps: 1, 512 B in spans 5\033[0m     parent links: 4 certain, 1 inferred (4: exec)\n"
	"ledger: calls 391 = 388 kept + 3 ring_full\n"
	"        bytes 212,044 = 211,532 kept + 512 missing\n"
	"        events 12 = 12 kept + 0 lost\n"
	"\033[33mblind: pid 100: grpc: static BoringSSL without symbols\033[0m\n";

static const char live_120[] =
	"TIME      SPAN                                    MODEL                  IN->OUT tok      COST     DUR  STATE\n"
	"20:41:07  proc  python3 agent.py --fast           -                                -         -   1m12s  exit 1  (pid 10\342\200\246\n"
	"20:41:10  llm   api.anthropic.com /v1/messages    claude-sonnet-4-5\342\200\246   8,412->   311   $0.0078  2.31 s  ok  (8,192 cach\342\200\246\n"
	"20:41:16  tool  bash pytest -q tests/auth         -                                -         -  5.88 s  \342\234\227 tool_error\n"
	"20:41:10  proc  pytest -q tests/auth              -                                -         -  5.70 s  killed by SIGKI\342\200\246\n"
	"20:41:17  llm                                     claude-sonnet-4-5      120->     ?         ?  1.02 s  \342\234\227 overloaded_er\342\200\246\n"
	"20:41:38  http  POST hooks.example/notify/\303\244       -                                -         -       -  open\n";

static const char live_ascii_60[] =
	"TIME      SPAN                                    MODEL  ...\n"
	"20:41:07  proc  python3 agent.py --fast           -      ...\n"
	"20:41:10  llm   api.anthropic.com /v1/messages    claude-...\n"
	"20:41:16  tool  bash pytest -q tests/auth         -      ...\n"
	"20:41:10  proc  pytest -q tests/auth              -      ...\n"
	"20:41:17  llm                                     claude-...\n"
	"20:41:38  http  POST hooks.example/notify/...     -      ...\n";

static const char span_2[] =
	"span 2  llm  chat claude-sonnet-4-5  ok  8.4k->311  8.2k cached  $0.0078\n"
	"started   2026-11-22T20:41:08.000000000Z  first byte 412 ms  first chunk 431 ms  done 2.31 s\n"
	"conn      3  10.0.0.7:51822 -> 160.79.104.10:443  tls libssl.so.3\n"
	"pid       100  tid 101\n"
	"request   POST api.anthropic.com:443/v1/messages  41.2 kB  status 200  9.1 kB\n"
	"tokens    input 8,412  cache read 8,192  output 311\n"
	"cost      220\303\227$3.00/M + 8,192\303\227$0.30/M + 311\303\227$15.00/M = $0.0077826   price table 2026-08-21 anthropic\n"
	"parent    1 proc python3 agent.py --fast\n"
	"link      process, certain; pid 100 made this call; no agent is known\n"
	"gen_ai.operation.name                   chat\n"
	"gen_ai.provider.name                    anthropic\n"
	"gen_ai.request.model                    claude-sonnet-4-5\n"
	"gen_ai.response.model                   claude-sonnet-4-5-20250929\n"
	"gen_ai.request.max_tokens               4096\n"
	"gen_ai.response.finish_reasons          [\"tool_use\"]\n"
	"\n"
	"system\n"
	"    You are terse.\n"
	"        Always.\n"
	"\n"
	"tools 1\n"
	"  {\"name\":\"bash\",\"description\":\"runs\"}\n"
	"\n"
	"messages 1\n"
	"  1 user\n"
	"    fix it\n"
	"    now \\e[2Jplease \\u{202e}evil\n"
	"\n"
	"answer\n"
	"  assistant (finish tool_call)\n"
	"    reasoning\n"
	"      hm\n"
	"    tool_call bash toolu_1\n"
	"      {\"command\":\"pytest -q tests/auth\"}\n"
	"\n"
	"events\n"
	"  20:41:08.431  first_token\n"
	"\n"
	"redacted 2 values\n"
	"gaps: none\n";

static const char span_3_ascii_60[] =
	"span 3  tool  execute_tool bash  error  !! tool_error\n"
	"started   2026-11-22T20:41:10.310000000Z  done 5.88 s  (bounded: known only from content)\n"
	"pid       100\n"
	"parent    1 proc python3 agent.py --fast\n"
	"link      tool_call_id, certain; toolu_1\n"
	"asked by  2 llm claude-sonnet-4-5-20250929\n"
	"told in   5 llm claude-sonnet-4-5\n"
	"gen_ai.tool.name                        bash\n"
	"gen_ai.tool.call.id                     toolu_1\n"
	"bottrace.tool.outcome                   error\n"
	"\n"
	"arguments\n"
	"    {\"command\":\"pytest -q tests/auth\"}\n"
	"\n"
	"result\n"
	"    E   AssertionError\n"
	"    line 2\n"
	"\n"
	"gaps: none\n";

static const char span_4[] =
	"span 4  proc  process pytest  error  killed by SIGKILL (9)  (pid 48301)  (parent inferred: exec)\n"
	"started   2026-11-22T20:41:10.400000000Z  done 5.70 s\n"
	"pid       48301  tid 48301\n"
	"parent    3 tool bash pytest -q tests/auth\n"
	"link      exec, inferred; time\n"
	"bottrace.exit.signal                    9\n"
	"\n"
	"command\n"
	"    [\"/bin/pytest\",\"-q\",\"tests/auth\"]\n"
	"\n"
	"gaps: none\n";

static const char span_5[] =
	"span 5  llm  chat claude-sonnet-4-5  error  120->?  \342\234\227 overloaded_error Over\\e]0;loaded  retried \303\2272  ! gap 512 B read (ring_full)\n"
	"started   2026-11-22T20:41:16.190000000Z  done 1.02 s\n"
	"pid       100  tid 101\n"
	"tokens    input 120\n"
	"parent    1 proc python3 agent.py --fast\n"
	"link      process, certain\n"
	"gen_ai.request.model                    claude-sonnet-4-5\n"
	"bottrace.attempts                       3\n"
	"\n"
	"system\n"
	"    You are terse.\n"
	"        Always.\n"
	"\n"
	"tools 1\n"
	"  {\"name\":\"bash\",\"description\":\"runs\"}\n"
	"\n"
	"messages 3  (the first 2 as in span 2 and its answer)\n"
	"  1 user\n"
	"    fix it\n"
	"    now \\e[2Jplease \\u{202e}evil\n"
	"  2 assistant (finish tool_call)\n"
	"    reasoning\n"
	"      hm\n"
	"    tool_call bash toolu_1\n"
	"      {\"command\":\"pytest -q tests/auth\"}\n"
	"  3 tool\n"
	"    tool_result toolu_1\n"
	"      E   AssertionError\n"
	"      line 2\n"
	"\n"
	"answer  none\n"
	"\n"
	"gap: connection 3, read byte 8192, 512 bytes missing, ring_full\n";

/* clang-format on */

#endif
