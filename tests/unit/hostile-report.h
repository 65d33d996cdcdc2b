/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the two hostile tests count, and how a process is measured. */

#include <dirent.h>
#include <glib.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
/* What was freed is kept for a while; that is not what is measured. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
  return "quarantine_size_mb=8:malloc_context_size=8";
}
#endif

/* MiB. A sanitizer's allocator keeps what it was given, and never twice for the same. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REPORT_MAX_GROWTH 1024
#else
#define REPORT_MAX_GROWTH 128
#endif

/* Bytes in memory. */
static inline gint64
report_memory(void)
{
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");

  malloc_trim(0);
  if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
    g_error("/proc/self/statm cannot be read");
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static inline guint
report_descriptors(void)
{
  guint count = 0;
  DIR *folder = opendir("/proc/self/fd");

  while (readdir(folder) != NULL)
    count++;
  closedir(folder);
  return count;
}
