/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/bt-program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

/* Linkers place the program headers and PT_INTERP at the start; the kernel reads #! from 256. */
#define HEAD_SIZE 4096
#define SHEBANG_SIZE 256

void
bt_program_clear(BtProgram *program)
{
  g_clear_pointer(&program->loader, g_free);
  g_clear_pointer(&program->interpreter, g_free);
  g_clear_pointer(&program->argument, g_free);
}

static void
parse_elf(const guint8 *bytes, gsize size, BtProgram *program_out)
{
  ElfW(Ehdr) header;
  ElfW(Phdr) part;

  if (size < sizeof header)
    return;
  memcpy(&header, bytes, sizeof header);
  for (guint i = 0; i < header.e_phnum; i++) {
    guint64 at = header.e_phoff + (guint64)i * sizeof part;
    if (header.e_phoff > size || at + sizeof part > size)
      return;
    memcpy(&part, bytes + at, sizeof part);
    if (part.p_type != PT_INTERP)
      continue;
    /* The kernel takes the first. */
    if (part.p_offset > size || part.p_filesz > size - part.p_offset)
      return;
    program_out->loader = g_strndup((const char *)bytes + part.p_offset, part.p_filesz);
    return;
  }
}

static gboolean
is_blank(guint8 c)
{
  return c == ' ' || c == '\t';
}

static gboolean
is_separator(guint8 c)
{
  return is_blank(c) || c == '\0';
}

/*
 * "#! /usr/bin/env python3 -I": the program, and all else as one argument, as
 * the kernel's load_script() does: blanks and tabs alone separate, a carriage
 * return belongs to the name, and a name that is cut is none.
 */
static void
parse_shebang(const guint8 *bytes, gsize size, BtProgram *program_out)
{
  const guint8 *newline = memchr(bytes, '\n', MIN(size, SHEBANG_SIZE));
  gsize end = newline != NULL ? (gsize)(newline - bytes) : MIN(size, SHEBANG_SIZE - 1);

  while (newline != NULL && end > 2 && is_blank(bytes[end - 1]))
    end--;
  gsize name = 2;
  while (name < end && is_blank(bytes[name]))
    name++;
  gsize name_end = name;
  while (name_end < end && !is_separator(bytes[name_end]))
    name_end++;
  gboolean cut = newline == NULL && name_end == SHEBANG_SIZE - 1 && size >= SHEBANG_SIZE &&
                 !is_separator(bytes[name_end]);
  if (name_end == name || cut)
    return;
  program_out->interpreter = g_strndup((const char *)bytes + name, name_end - name);
  if (name_end == end || bytes[name_end] == '\0')
    return;
  gsize argument = name_end;
  while (argument < end && is_blank(bytes[argument]))
    argument++;
  if (argument < end && bytes[argument] != '\0')
    program_out->argument = g_strndup((const char *)bytes + argument, end - argument);
}

gboolean
bt_program_parse(const guint8 *bytes, gsize size, BtProgram *program_out)
{
  program_out->is_elf = size >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0;
  if (program_out->is_elf)
    parse_elf(bytes, size, program_out);
  else if (size >= 3 && bytes[0] == '#' && bytes[1] == '!')
    parse_shebang(bytes, size, program_out);
  return program_out->loader != NULL || program_out->interpreter != NULL;
}

gboolean
bt_program_read(const char *path, BtProgram *program_out)
{
  guint8 head[HEAD_SIZE];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    return FALSE;
  gssize got = -1;
  if (fstat(fd, &program_out->info) == 0) {
    if (S_ISREG(program_out->info.st_mode))
      got = pread(fd, head, sizeof head, 0);
    else
      errno = S_ISDIR(program_out->info.st_mode) ? EISDIR : EACCES;
  }
  int saved = errno;
  close(fd);
  errno = saved;
  if (got < 0)
    return FALSE;
  bt_program_parse(head, got, program_out);
  return TRUE;
}

gboolean
bt_program_is_python(const char *path)
{
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  gsize length = strlen("python");

  return strncmp(name, "python", length) == 0 &&
         name[length + strspn(name + length, "0123456789.")] == '\0';
}
