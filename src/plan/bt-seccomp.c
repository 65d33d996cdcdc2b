/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/bt-seccomp.h"

#include "plan/bt-seccomp-programs.h"

BtFilter
bt_seccomp_worker(gboolean memfd_allowed)
{
  if (memfd_allowed)
    return (BtFilter){ bt_program_worker_memfd, G_N_ELEMENTS(bt_program_worker_memfd) };
  return (BtFilter){ bt_program_worker, G_N_ELEMENTS(bt_program_worker) };
}

BtFilter
bt_seccomp_init(void)
{
  return (BtFilter){ bt_program_init, G_N_ELEMENTS(bt_program_init) };
}
