/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/bt-seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "plan/bt-seccomp-programs.h"

BtFilter
bt_seccomp_worker(gboolean memfd_allowed, gboolean signals_scoped)
{
  const BtFilter filters[2][2] = {
    { { bt_program_worker, G_N_ELEMENTS(bt_program_worker) },
      { bt_program_worker_scoped, G_N_ELEMENTS(bt_program_worker_scoped) } },
    { { bt_program_worker_memfd, G_N_ELEMENTS(bt_program_worker_memfd) },
      { bt_program_worker_memfd_scoped, G_N_ELEMENTS(bt_program_worker_memfd_scoped) } },
  };
  return filters[memfd_allowed ? 1 : 0][signals_scoped ? 1 : 0];
}

BtFilter
bt_seccomp_init(void)
{
  return (BtFilter){ bt_program_init, G_N_ELEMENTS(bt_program_init) };
}

int
bt_seccomp_open_call(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(bt_open_calls); i++)
    if (strcmp(bt_open_calls[i].name, name) == 0)
      return bt_open_calls[i].number;
  return -1;
}

/*
 * In front of the program, so that its verdict is the first. A foreign
 * architecture has other numbers: its calls are killed by the program itself,
 * and never mind if one is refused here instead.
 */
GArray *
bt_seccomp_deny(BtFilter program, const int *numbers, guint n_numbers)
{
  GArray *all = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));
  const struct sock_filter load =
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);

  g_array_append_val(all, load);
  for (guint i = 0; i < n_numbers; i++) {
    const struct sock_filter is = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (guint32)numbers[i], 0, 1);
    g_array_append_val(all, is);
    g_array_append_val(all, refuse);
  }
  g_array_append_vals(all, program.instructions, program.count);
  return all;
}
