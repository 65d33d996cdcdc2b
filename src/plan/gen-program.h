/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What gen-seccomp.c is made of: a little assembler of seccomp programs
 * (gen-program.c), and the calls whose arguments are looked at (gen-checks.c).
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>

#define GEN_MAX_INSTRUCTIONS 4096u
#define GEN_ALLOW SECCOMP_RET_ALLOW
#define GEN_REFUSE(error) (SECCOMP_RET_ERRNO | (error))

typedef struct {
  struct sock_filter code[GEN_MAX_INSTRUCTIONS];
  unsigned count;
} GenProgram;

/* Emits a block that ends in a verdict on every path. */
typedef void (*GenCheck)(GenProgram *program);

/* What is done about the numbers from first up to the next range's. */
typedef struct {
  unsigned first;
  unsigned action; /* SECCOMP_RET_*, if there is no check */
  GenCheck check;
} GenRange;

__attribute__((noreturn)) void gen_die(const char *what, int error);

/* ---- the assembler ---- */

void gen_load(GenProgram *program, unsigned offset);
void gen_load_arg(GenProgram *program, unsigned arg);
void gen_mask(GenProgram *program, unsigned bits);
void gen_verdict(GenProgram *program, unsigned action);
/* The accumulator decides: equal to value, any bit of bits. */
void gen_if_equal(GenProgram *program, unsigned value, unsigned action);
void gen_if_any(GenProgram *program, unsigned bits, unsigned action);
/* A group is entered when the accumulator equals value; gen_group_end() closes it. */
unsigned gen_group_begin(GenProgram *program, unsigned value);
void gen_group_end(GenProgram *program, unsigned begin);

/* Kills the calls of another architecture and decides all others; the first range begins at 0. */
void gen_decide(GenProgram *program, const GenRange *ranges, unsigned count);
/* The verdict on a native call by its number; SECCOMP_RET_TRACE if its arguments are looked at. */
unsigned gen_verdict_of(const GenProgram *program, unsigned number);
void gen_print(const GenProgram *program, const char *name);

/* ---- the calls whose arguments are looked at ---- */

typedef struct {
  const char *name;
  GenCheck check;         /* NULL: none */
  GenCheck unscoped;      /* another, where Landlock does not keep signals inside */
  GenCheck flat;          /* another for a worker without namespaces */
  GenCheck flat_unscoped; /* another where both is so */
} GenChecked;

extern const GenChecked gen_checked[];
extern const unsigned gen_n_checked;
/* The only kill of an init without a pid namespace: of all that is in its Landlock domain. */
void gen_check_init_kill(GenProgram *program);
/* The same where that keeps no signals inside. */
void gen_check_init_kill_child(GenProgram *program);
