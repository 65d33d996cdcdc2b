/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first bytes of a program, which whoever made it chose. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan/bt-program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(gboolean holds)
{
  if (!holds)
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_auto(BtProgram) program = BT_PROGRAM_INIT;

  gboolean found = bt_program_parse(data, size, &program);
  check(found == (program.loader != NULL || program.interpreter != NULL));
  check(program.loader == NULL || program.is_elf);
  check(program.interpreter == NULL || !program.is_elf);
  check(program.argument == NULL || program.interpreter != NULL);
  if (program.interpreter != NULL)
    check(program.interpreter[0] != '\0' && strpbrk(program.interpreter, " \t\n") == NULL);
  if (program.argument != NULL)
    check(program.argument[0] != '\0' && strchr(program.argument, '\n') == NULL);
  return 0;
}
