/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a fuzz target over the files of its corpus, so that every input that
 * ever mattered is an ordinary test. Arguments are files or directories.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *path)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    return 1;
  }
  static uint8_t bytes[1 << 20];
  size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  /* An exact allocation, so that ASan sees a read past the end. */
  uint8_t *copy = malloc(size > 0 ? size : 1);
  if (copy == NULL)
    return 1;
  memcpy(copy, bytes, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
  return 0;
}

int
main(int argc, char **argv)
{
  int files = 0, failures = 0;
  for (int i = 1; i < argc; i++) {
    DIR *dir = opendir(argv[i]);
    if (dir == NULL) {
      failures += run_file(argv[i]);
      files++;
      continue;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
      char path[4096];
      if (entry->d_name[0] == '.')
        continue;
      snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
      failures += run_file(path);
      files++;
    }
    closedir(dir);
  }
  printf("%d files\n", files);
  /* An empty corpus proves nothing. */
  return failures > 0 || files == 0;
}
