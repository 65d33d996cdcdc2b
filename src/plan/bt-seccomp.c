/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/bt-seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

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
bt_seccomp_flat_worker(gboolean memfd_allowed, gboolean signals_scoped)
{
  const BtFilter filters[2][2] = {
    { { bt_program_worker_flat_unscoped, G_N_ELEMENTS(bt_program_worker_flat_unscoped) },
      { bt_program_worker_flat, G_N_ELEMENTS(bt_program_worker_flat) } },
    { { bt_program_worker_memfd_flat_unscoped,
        G_N_ELEMENTS(bt_program_worker_memfd_flat_unscoped) },
      { bt_program_worker_memfd_flat, G_N_ELEMENTS(bt_program_worker_memfd_flat) } },
  };
  return filters[memfd_allowed ? 1 : 0][signals_scoped ? 1 : 0];
}

BtFilter
bt_seccomp_init(void)
{
  return (BtFilter){ bt_program_init, G_N_ELEMENTS(bt_program_init) };
}

BtFilter
bt_seccomp_flat_init(gboolean signals_scoped)
{
  return signals_scoped ? (BtFilter){ bt_program_init_flat, G_N_ELEMENTS(bt_program_init_flat) }
                        : (BtFilter){ bt_program_init_flat_unscoped,
                                      G_N_ELEMENTS(bt_program_init_flat_unscoped) };
}

BtFilter
bt_seccomp_opener(void)
{
  return (BtFilter){ bt_program_opener, G_N_ELEMENTS(bt_program_opener) };
}

int
bt_seccomp_open_call(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(bt_open_calls); i++)
    if (strcmp(bt_open_calls[i].name, name) == 0)
      return bt_open_calls[i].number;
  return -1;
}

gboolean
bt_seccomp_knows_call(const char *name)
{
  for (const char *known = bt_known_calls; known[0] != '\0'; known += strlen(known) + 1)
    if (strcmp(known, name) == 0)
      return TRUE;
  return FALSE;
}

#if defined(__x86_64__)
#define BT_NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define BT_NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

static void
append(GArray *program, guint code, guint k, guint yes, guint no)
{
  const struct sock_filter one = { (guint16)code, (guint8)yes, (guint8)no, k };
  g_array_append_val(program, one);
}

/* What it allows goes on behind it. */
static void
append_part(GArray *program, BtFilter part)
{
  for (guint i = 0; i < part.count; i++) {
    const struct sock_filter *one = &part.instructions[i];
    if (one->code == (BPF_RET | BPF_K) && one->k == SECCOMP_RET_ALLOW)
      append(program, BPF_JMP | BPF_JA, part.count - i - 1, 0, 0);
    else
      g_array_append_vals(program, one, 1);
  }
}

/* A request's second byte says whose it is: terminals have 'T', sockets 0x89. */
static void
append_ioctls(GArray *program)
{
  append(program, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 6);
  append(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]), 0, 0);
  append(program, BPF_ALU | BPF_RSH | BPF_K, 8, 0, 0);
  append(program, BPF_ALU | BPF_AND | BPF_K, 0xff, 0, 0);
  append(program, BPF_JMP | BPF_JEQ | BPF_K, 'T', 2, 0);
  append(program, BPF_JMP | BPF_JEQ | BPF_K, 0x89, 1, 0);
  append(program, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
}

/*
 * One program, since loading each costs more than all its instructions, and a
 * call that is not decided by its number alone runs through all programs there
 * are.  A foreign architecture has other numbers: its calls are killed by the
 * allow-list, and never mind if one is refused before.
 */
GArray *
bt_seccomp_join(const GArray *refused, gboolean file_ioctls, gboolean channel, BtFilter sockets,
                BtFilter notify, BtFilter allow_list)
{
  GArray *all = g_array_sized_new(FALSE, FALSE, sizeof(struct sock_filter),
                                  2 * refused->len + bt_map_filter().count + notify.count +
                                    allow_list.count + 8);

  if (refused->len > 0 || !file_ioctls)
    append(all, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
  for (guint i = 0; i < refused->len; i++) {
    append(all, BPF_JMP | BPF_JEQ | BPF_K, (guint)g_array_index(refused, int, i), 0, 1);
    append(all, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
  }
  if (!file_ioctls)
    append_ioctls(all);
  if (channel)
    append_part(all, bt_channel_filter());
  append_part(all, sockets);
  append_part(all, bt_map_filter());
  append_part(all, notify);
  g_array_append_vals(all, allow_list.instructions, allow_list.count);
  return all;
}

static void
prepend_part(GArray *program, BtFilter filter)
{
  g_autoptr(GArray) part = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));

  append_part(part, filter);
  g_array_prepend_vals(program, part->data, part->len);
}

void
bt_seccomp_notify_forks(GArray *program)
{
  prepend_part(program, bt_fork_filter());
}

void
bt_seccomp_notify_terminal(GArray *program)
{
  prepend_part(program, bt_terminal_filter());
}

void
bt_seccomp_refuse_opens(GArray *program, gboolean cutting)
{
  prepend_part(program, bt_open_filter(cutting));
}

/* Which argument of a call is a mode, of which the allow-list refuses a part (gen-checks.c); -1: none. */
static int
mode_argument(int number)
{
  static const struct {
    const char *name;
    int argument;
  } modes[] = {
    { "chmod", 1 }, { "fchmodat", 2 }, { "fchmodat2", 2 }, { "mknod", 1 }, { "mknodat", 2 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(modes); i++)
    if (bt_seccomp_open_call(modes[i].name) == number)
      return modes[i].argument;
  return -1;
}

/* One that would make a set-user-ID file is left to the allow-list: the jump goes past the part. */
static void
append_told(GArray *part, int number, GArray *jumps)
{
  int argument = mode_argument(number);

  append(part, BPF_JMP | BPF_JEQ | BPF_K, (guint)number, 0, argument >= 0 ? 4 : 1);
  if (argument >= 0) {
    append(part, BPF_LD | BPF_W | BPF_ABS,
           (guint)(offsetof(struct seccomp_data, args) + 8 * (gsize)argument), 0, 0);
    append(part, BPF_JMP | BPF_JSET | BPF_K, S_ISUID, 1, 0);
  }
  append(part, BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF, 0, 0);
  if (argument < 0)
    return;
  g_array_append_val(jumps, part->len);
  append(part, BPF_JMP | BPF_JA, 0, 0, 0);
}

void
bt_seccomp_notify_calls(GArray *program, const GArray *numbers)
{
  g_autoptr(GArray) part = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));
  g_autoptr(GArray) jumps = g_array_new(FALSE, FALSE, sizeof(guint));

  if (numbers->len == 0)
    return;
  /* A foreign architecture's numbers are others. */
  append(part, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
  append(part, BPF_JMP | BPF_JEQ | BPF_K, BT_NATIVE_ARCH, 1, 0);
  g_array_append_val(jumps, part->len);
  append(part, BPF_JMP | BPF_JA, 0, 0, 0);
  append(part, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
  for (guint i = 0; i < numbers->len; i++)
    append_told(part, g_array_index(numbers, int, i), jumps);
  for (guint i = 0; i < jumps->len; i++) {
    guint at = g_array_index(jumps, guint, i);
    g_array_index(part, struct sock_filter, at).k = part->len - at - 1;
  }
  g_array_prepend_vals(program, part->data, part->len);
}
