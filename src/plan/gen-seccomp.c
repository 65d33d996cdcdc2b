/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Build-time generator of the seccomp programs (never installed).
 *
 *     gen-seccomp [--sanitize]   prints a C header of BPF arrays
 *
 * By its number a call is allowed, refused with EPERM if it is known and
 * dangerous, looked at (gen-checks.c), or unknown: ENOSYS, so that a libc falls
 * back as it would on an old kernel.  A foreign architecture, x32 included, is
 * killed.
 *
 * libseccomp names the calls and compiles the same lists on its own; a program of
 * ours that says anything else about any number is not printed.  It is not the one
 * that is used because it searches single numbers and knows no checks like ours:
 * three times the instructions, which the kernel pays for at each start.
 */
#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "plan/gen-program.h"
#include "plan/seccomp-lists.h"

#define NUMBERS 1024u /* above them nothing is known */
#define X32_BIT 0x40000000u

/* What is done about each number, and the same as libseccomp compiles it. */
typedef struct {
  GenRange numbers[NUMBERS];
  unsigned fallback;
  scmp_filter_ctx reference;
} List;

static void
list_init(List *list, unsigned fallback)
{
  list->fallback = fallback;
  for (unsigned i = 0; i < NUMBERS; i++)
    list->numbers[i] = (GenRange){ .first = i, .action = fallback };
  list->reference = seccomp_init(fallback);
  if (list->reference == NULL ||
      seccomp_attr_set(list->reference, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0)
    gen_die("libseccomp", EINVAL);
}

static void
add_number(List *list, const char *name, int number, unsigned action)
{
  /* Negative: another architecture's, or newer than this libseccomp. */
  if (number < 0)
    return;
  if (number >= (int)NUMBERS)
    gen_die(name, ERANGE);
  list->numbers[number].action = action;
  int error = seccomp_rule_add(list->reference, action, number, 0);
  if (error != 0)
    gen_die(name, -error);
}

static void
add_names(List *list, const char *const *names, unsigned action)
{
  for (; *names != NULL; names++)
    add_number(list, *names, seccomp_syscall_resolve_name(*names), action);
}

/* Which of the worker's programs. */
typedef struct {
  const char *name;
  bool memfd_allowed;
  bool signals_scoped;
  bool flat; /* without namespaces */
} Variant;

static bool
is_among(const char *const *names, const char *name)
{
  for (; *names != NULL; names++)
    if (strcmp(*names, name) == 0)
      return true;
  return false;
}

static unsigned
action_of(const Variant *variant, const char *name)
{
  if (variant->flat && is_among(flat_refused, name))
    return SCMP_ACT_ERRNO(EPERM);
  if (variant->flat && is_among(flat_unsupported, name))
    return SCMP_ACT_ERRNO(EOPNOTSUPP);
  if (variant->flat && !variant->signals_scoped && is_among(flat_unscoped_notified, name))
    return SCMP_ACT_NOTIFY;
  return SCMP_ACT_ALLOW;
}

static void
add_allowed(List *list, const Variant *variant)
{
  for (const char *const *name = worker_allowed; *name != NULL; name++)
    add_number(list, *name, seccomp_syscall_resolve_name(*name), action_of(variant, *name));
}

/* Calls that have one number everywhere and are newer than the libseccomp of the floor. */
static void
add_new_calls(List *list, const Variant *variant)
{
  for (size_t i = 0; i < sizeof new_calls / sizeof new_calls[0]; i++)
    if (seccomp_syscall_resolve_name(new_calls[i].name) == __NR_SCMP_ERROR)
      add_number(list, new_calls[i].name, new_calls[i].number,
                 action_of(variant, new_calls[i].name));
}

/* Negative: none on this architecture. */
static int
number_of(const char *name)
{
  for (size_t i = 0; i < sizeof new_calls / sizeof new_calls[0]; i++)
    if (strcmp(new_calls[i].name, name) == 0)
      return new_calls[i].number;
  return seccomp_syscall_resolve_name(name);
}

static GenCheck
check_for(const GenChecked *one, const Variant *variant)
{
  if (variant->flat && !variant->signals_scoped && one->flat_unscoped != NULL)
    return one->flat_unscoped;
  if (variant->flat && one->flat != NULL)
    return one->flat;
  return !variant->signals_scoped && one->unscoped != NULL ? one->unscoped : one->check;
}

static void
add_checks(List *list, const Variant *variant)
{
  for (unsigned i = 0; i < gen_n_checked; i++) {
    const GenChecked *one = &gen_checked[i];
    int number = number_of(one->name);
    if (number >= 0 && action_of(variant, one->name) == SCMP_ACT_ALLOW)
      list->numbers[number].check = check_for(one, variant);
  }
}

static void
compare(const List *list, const GenProgram *program, const char *name)
{
  static GenProgram reference;
  FILE *file = tmpfile();

  if (file == NULL || seccomp_export_bpf(list->reference, fileno(file)) != 0)
    gen_die("export", errno);
  rewind(file);
  reference.count = fread(reference.code, sizeof reference.code[0], GEN_MAX_INSTRUCTIONS, file);
  fclose(file);
  for (unsigned number = 0; number < NUMBERS + 1; number++)
    if ((number == NUMBERS || list->numbers[number].check == NULL) &&
        gen_verdict_of(program, number) != gen_verdict_of(&reference, number))
      gen_die(name, EBADMSG);
}

static void
print_list(List *list, const char *name)
{
  GenRange ranges[NUMBERS + 3] = { { .first = 0 } };
  GenProgram program = { .count = 0 };
  unsigned count = 0;

  for (unsigned i = 0; i < NUMBERS; i++)
    if (count == 0 || list->numbers[i].action != ranges[count - 1].action ||
        list->numbers[i].check != ranges[count - 1].check)
      ranges[count++] = list->numbers[i];
  ranges[count++] = (GenRange){ .first = NUMBERS, .action = list->fallback };
#ifdef __x86_64__
  ranges[count++] = (GenRange){ .first = X32_BIT, .action = SECCOMP_RET_KILL_PROCESS };
  /* -1 is a number a tracer uses; nobody traces here, so it is a number like others. */
  ranges[count++] = (GenRange){ .first = 0xffffffffu, .action = list->fallback };
#endif
  gen_decide(&program, ranges, count);
  compare(list, &program, name);
  seccomp_release(list->reference);
  gen_print(&program, name);
}

static void
print_worker(const Variant *variant)
{
  List list;

  list_init(&list, SCMP_ACT_ERRNO(ENOSYS));
  add_allowed(&list, variant);
  add_names(&list, worker_refused, SCMP_ACT_ERRNO(EPERM));
  /* A sealed or unsealed memfd is a program without a path, and noexec does not reach it. */
  add_number(&list, "memfd_create", SYS_memfd_create,
             variant->memfd_allowed ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
  add_new_calls(&list, variant);
  add_checks(&list, variant);
  print_list(&list, variant->name);
}

/* Of one call the arguments may be looked at, too. more: names as well, or NULL. */
static void
print_own(const char *name, const char *const *allowed, const char *const *more, int number,
          GenCheck check, bool sanitize)
{
  List list;

  list_init(&list, SCMP_ACT_ERRNO(EPERM));
  add_names(&list, allowed, SCMP_ACT_ALLOW);
  if (more != NULL)
    add_names(&list, more, SCMP_ACT_ALLOW);
  if (sanitize)
    add_names(&list, init_sanitizer, SCMP_ACT_ALLOW);
  list.numbers[number].check = check;
  print_list(&list, name);
}

static GenCheck
check_of(const char *name)
{
  for (unsigned i = 0; i < gen_n_checked; i++)
    if (strcmp(gen_checked[i].name, name) == 0)
      return gen_checked[i].check;
  gen_die(name, ENOENT);
}

/* What a policy can still refuse: the calls that the worker's program lets through. */
static void
print_open_calls(void)
{
  printf("static const struct {\n  const char *name;\n  int number;\n} bt_open_calls[] = {\n");
  for (const char *const *name = worker_allowed; *name != NULL; name++) {
    int number = seccomp_syscall_resolve_name(*name);
    if (number >= 0)
      printf("  { \"%s\", %d },\n", *name, number);
  }
  for (size_t i = 0; i < sizeof new_calls / sizeof new_calls[0]; i++)
    printf("  { \"%s\", %d },\n", new_calls[i].name, new_calls[i].number);
  printf("  { \"memfd_create\", %d },\n};\n\n", SYS_memfd_create);
}

/* Every name there is, one behind the other, an empty one last. */
static void
print_known_names(void)
{
  printf("static const char bt_known_calls[] =\n");
  for (int number = 0; number < 1024; number++) {
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    if (name != NULL)
      printf("  \"%s\\0\"\n", name);
    free(name);
  }
  for (size_t i = 0; i < sizeof new_calls / sizeof new_calls[0]; i++)
    printf("  \"%s\\0\"\n", new_calls[i].name);
  printf(";\n");
}

static const Variant variants[] = {
  { "bt_program_worker", false, false, false },
  { "bt_program_worker_memfd", true, false, false },
  { "bt_program_worker_scoped", false, true, false },
  { "bt_program_worker_memfd_scoped", true, true, false },
  { "bt_program_worker_flat", false, true, true },
  { "bt_program_worker_memfd_flat", true, true, true },
  { "bt_program_worker_flat_unscoped", false, false, true },
  { "bt_program_worker_memfd_flat_unscoped", true, false, true },
};

int
main(int argc, char **argv)
{
  bool sanitize = argc > 1 && strcmp(argv[1], "--sanitize") == 0;

  printf("/* Generated by gen-seccomp.c. */\n#include <linux/filter.h>\n\n");
  for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
    print_worker(&variants[i]);
  print_own("bt_program_init", init_allowed, NULL, SYS_kill, NULL, sanitize);
  print_own("bt_program_init_flat", init_allowed, NULL, SYS_kill, gen_check_init_kill, sanitize);
  print_own("bt_program_init_flat_unscoped", init_allowed, init_unscoped, SYS_kill,
            gen_check_init_kill_child, sanitize);
  /* As the worker's: no namespaces. */
  print_own("bt_program_opener", opener_allowed, NULL, SYS_clone, check_of("clone"), sanitize);
  print_open_calls();
  print_known_names();
  return ferror(stdout) || fflush(stdout) != 0;
}
