/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/bt-seccomp.h"

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
