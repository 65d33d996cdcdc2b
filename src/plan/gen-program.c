/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The assembler.
 *
 * A program begins with a binary search for the range of the call's number.  What
 * a range says is a verdict, or a jump to a block that looks at the arguments.
 *
 * It is a search of ranges, not of numbers, because the kernel pays for each
 * instruction when a program is loaded: it translates them all, and walks through
 * them for each number there is to find out which it may always allow.
 */
#include "plan/gen-program.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the filters have not been written for this architecture"
#endif

#define MAX_RANGES 512u

void
gen_die(const char *what, int error)
{
  fprintf(stderr, "gen-seccomp: %s: %s\n", what, strerror(error));
  exit(1);
}

static unsigned
emit(GenProgram *program, unsigned code, unsigned k, unsigned yes, unsigned no)
{
  if (program->count >= GEN_MAX_INSTRUCTIONS || yes > 255 || no > 255)
    gen_die("program too long", E2BIG);
  program->code[program->count] = (struct sock_filter){ code, yes, no, k };
  return program->count++;
}

void
gen_load(GenProgram *program, unsigned offset)
{
  emit(program, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

void
gen_load_arg(GenProgram *program, unsigned arg)
{
  gen_load(program, offsetof(struct seccomp_data, args) + 8 * arg);
}

void
gen_mask(GenProgram *program, unsigned bits)
{
  emit(program, BPF_ALU | BPF_AND | BPF_K, bits, 0, 0);
}

void
gen_verdict(GenProgram *program, unsigned action)
{
  emit(program, BPF_RET | BPF_K, action, 0, 0);
}

void
gen_if_equal(GenProgram *program, unsigned value, unsigned action)
{
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
  gen_verdict(program, action);
}

void
gen_if_any(GenProgram *program, unsigned bits, unsigned action)
{
  emit(program, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
  gen_verdict(program, action);
}

unsigned
gen_group_begin(GenProgram *program, unsigned value)
{
  return emit(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0);
}

void
gen_group_end(GenProgram *program, unsigned begin)
{
  unsigned length = program->count - begin - 1;
  if (length > 255)
    gen_die("block too long", E2BIG);
  program->code[begin].jf = length;
}

/* ---- the search ---- */

/* So many ranges have their leaves in one place: no jump reaches further than 255. */
#define GROUP 64u

/* A branch whose one side is a leaf that is not there yet. */
typedef struct {
  unsigned branch, range;
  bool yes;
} Pending;

/* The places of the ranges' leaves, for those that become jumps. */
typedef struct {
  const GenRange *ranges;
  unsigned leaves[MAX_RANGES];
  Pending pending[GROUP];
  unsigned n_pending;
} Search;

static void
set_target(GenProgram *program, unsigned branch, bool yes, unsigned target)
{
  unsigned distance = target - branch - 1;

  if (distance > 255)
    gen_die("too many ranges", E2BIG);
  if (yes)
    program->code[branch].jt = distance;
  else
    program->code[branch].jf = distance;
}

static void
emit_leaf(GenProgram *program, Search *search, unsigned range)
{
  search->leaves[range] = program->count;
  if (search->ranges[range].check != NULL)
    emit(program, BPF_JMP | BPF_JA, 0, 0, 0);
  else
    gen_verdict(program, search->ranges[range].action);
}

static void
emit_branches(GenProgram *program, Search *search, unsigned from, unsigned to)
{
  unsigned middle = from + (to - from) / 2;
  unsigned branch =
    emit(program, BPF_JMP | BPF_JGE | BPF_K, search->ranges[middle].first, 0, 0);

  for (int yes = 0; yes < 2; yes++) {
    unsigned first = yes ? middle : from, end = yes ? to : middle;
    if (end - first == 1) {
      search->pending[search->n_pending++] = (Pending){ branch, first, yes };
      continue;
    }
    set_target(program, branch, yes, program->count);
    emit_branches(program, search, first, end);
  }
}

/* Ranges of which the same is said share a leaf. */
static void
emit_leaves(GenProgram *program, Search *search)
{
  for (unsigned i = 0; i < search->n_pending; i++) {
    const Pending *one = &search->pending[i];
    const GenRange *range = &search->ranges[one->range];
    unsigned same = 0;
    while (search->ranges[search->pending[same].range].check != range->check ||
           search->ranges[search->pending[same].range].action != range->action)
      same++;
    if (same == i)
      emit_leaf(program, search, one->range);
    else
      search->leaves[one->range] = search->leaves[search->pending[same].range];
    set_target(program, one->branch, one->yes, search->leaves[one->range]);
  }
  search->n_pending = 0;
}

static void
emit_search(GenProgram *program, Search *search, unsigned from, unsigned to)
{
  if (to - from == 1) {
    emit_leaf(program, search, from);
  } else if (to - from <= GROUP) {
    emit_branches(program, search, from, to);
    emit_leaves(program, search);
  } else {
    unsigned middle = from + (to - from) / 2;
    unsigned branch =
      emit(program, BPF_JMP | BPF_JGE | BPF_K, search->ranges[middle].first, 0, 0);
    emit_search(program, search, from, middle);
    set_target(program, branch, true, program->count);
    emit_search(program, search, middle, to);
  }
}

/* Ranges with one check share its block. */
static void
emit_checks(GenProgram *program, Search *search, unsigned count)
{
  for (unsigned i = 0; i < count; i++) {
    unsigned same = 0;
    if (search->ranges[i].check == NULL)
      continue;
    while (search->ranges[same].check != search->ranges[i].check)
      same++;
    struct sock_filter *jump = &program->code[search->leaves[i]];
    if (same == i) {
      jump->k = program->count - search->leaves[i] - 1;
      search->ranges[i].check(program);
    } else {
      jump->k = program->code[search->leaves[same]].k + search->leaves[same] - search->leaves[i];
    }
  }
}

void
gen_decide(GenProgram *program, const GenRange *ranges, unsigned count)
{
  Search search = { .ranges = ranges };

  if (count == 0 || count > MAX_RANGES || ranges[0].first != 0)
    gen_die("ranges", EINVAL);
  gen_load(program, offsetof(struct seccomp_data, arch));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
  gen_verdict(program, SECCOMP_RET_KILL_PROCESS);
  gen_load(program, offsetof(struct seccomp_data, nr));
  emit_search(program, &search, 0, count);
  emit_checks(program, &search, count);
}

/* ---- what a program says ---- */

static bool
jumps(const struct sock_filter *one, unsigned value)
{
  switch (BPF_OP(one->code)) {
  case BPF_JEQ:
    return value == one->k;
  case BPF_JGT:
    return value > one->k;
  case BPF_JGE:
    return value >= one->k;
  case BPF_JSET:
    return (value & one->k) != 0;
  default:
    gen_die("unknown jump", EINVAL);
  }
}

unsigned
gen_verdict_of(const GenProgram *program, unsigned number)
{
  unsigned accumulator = 0;

  for (unsigned at = 0; at < program->count; at++) {
    const struct sock_filter *one = &program->code[at];
    switch (BPF_CLASS(one->code)) {
    case BPF_RET:
      return one->k;
    case BPF_LD:
      if (one->k == offsetof(struct seccomp_data, arch))
        accumulator = NATIVE_ARCH;
      else if (one->k == offsetof(struct seccomp_data, nr))
        accumulator = number;
      else
        return SECCOMP_RET_TRACE;
      break;
    case BPF_JMP:
      if (BPF_OP(one->code) == BPF_JA)
        at += one->k;
      else
        at += jumps(one, accumulator) ? one->jt : one->jf;
      break;
    default:
      gen_die("unknown instruction", EINVAL);
    }
  }
  gen_die("a program without an end", EINVAL);
}

void
gen_print(const GenProgram *program, const char *name)
{
  printf("static const struct sock_filter %s[%u] = {\n", name, program->count);
  for (unsigned i = 0; i < program->count; i++)
    printf("  { 0x%02x, %u, %u, 0x%08x },\n", program->code[i].code, program->code[i].jt,
           program->code[i].jf, program->code[i].k);
  printf("};\n\n");
}
