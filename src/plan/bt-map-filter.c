/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that are to be mapped executable, so that a refusal is explained.
 * Memory without a file, a just-in-time compiler's, is never asked about.
 *
 * It comes first, and every call that depends on its arguments passes it: so
 * the number is looked at before the architecture.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "plan/bt-seccomp.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define ANY_OF(bits, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, yes, no)

static const struct sock_filter program[] = {
  /* 0 */ LOAD(nr),
  /* 1 */ EQUAL(SYS_mmap, 0, 7),
  /* 2 */ LOAD(arch),
  /* 3 */ EQUAL(NATIVE_ARCH, 0, 5),
  /* 4 */ LOAD(args[2]),
  /* 5 */ ANY_OF(PROT_EXEC, 0, 3),
  /* 6 */ LOAD(args[3]),
  /* 7 */ ANY_OF(MAP_ANONYMOUS, 1, 0),
  /* 8 */ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
  /* 9 */ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

BtFilter
bt_map_filter(void)
{
  return (BtFilter){ program, G_N_ELEMENTS(program) };
}
