// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * attack OP PATH [OP PATH ...]: tries each way to get code from a file into a
 * process, and prints "OP PATH: RESULT", an errno's name or what came of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *const arguments[] = { "program", "--version", NULL };

static const char *
name_of(int error)
{
  const char *name = strerrorname_np(error);
  return name != NULL ? name : "?";
}

/* What the child's exec came to: it ran, or its errno. */
static const char *
in_child(int (*execute)(const char *path), const char *path)
{
  int channel[2], error = 0;

  if (pipe2(channel, O_CLOEXEC) != 0)
    return "no pipe";
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    dup2(null, 2);
    execute(path);
    error = errno;
    _exit(write(channel[1], &error, sizeof error) == sizeof error ? 100 : 101);
  }
  close(channel[1]);
  ssize_t got = read(channel[0], &error, sizeof error);
  close(channel[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (got == sizeof error)
    return name_of(error);
  /* The loader ends with 127 where it cannot map what it was given. */
  return WIFEXITED(status) && WEXITSTATUS(status) != 127 ? "ran" : "failed";
}

static int
plain(const char *path)
{
  return execve(path, arguments, environ);
}

static int
by_empty_path(const char *path)
{
  int fd = open(path, O_RDONLY);
  return fd < 0 ? -1 : (int)syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
}

static int
by_path_descriptor(const char *path)
{
  int fd = open(path, O_PATH);
  return fd < 0 ? -1 : (int)syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
}

static int
by_proc(const char *path)
{
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", open(path, O_RDONLY));
  return execve(link, arguments, environ);
}

static int
by_root(const char *path)
{
  char link[4200];
  snprintf(link, sizeof link, "/proc/self/root%s", path);
  return execve(link, arguments, environ);
}

static int
by_directory(const char *path)
{
  char folder[4096];
  snprintf(folder, sizeof folder, "%s", path);
  char *slash = strrchr(folder, '/');
  *slash = '\0';
  int fd = open(folder, O_PATH | O_DIRECTORY);
  return fd < 0 ? -1 : (int)syscall(SYS_execveat, fd, slash + 1, arguments, environ, 0);
}

static int
by_link(const char *path)
{
  char link[64];
  snprintf(link, sizeof link, "/tmp/link-%d", getpid());
  return symlink(path, link) != 0 ? -1 : execve(link, arguments, environ);
}

static int
by_hard_link(const char *path)
{
  char link[64];
  snprintf(link, sizeof link, "/tmp/hard-%d", getpid());
  return linkat(AT_FDCWD, path, AT_FDCWD, link, AT_SYMLINK_FOLLOW) != 0
           ? -1
           : execve(link, arguments, environ);
}

static int
copy_to(int to, const char *path)
{
  struct stat info;
  int from = open(path, O_RDONLY);
  if (from < 0 || fstat(from, &info) != 0)
    return -1;
  for (off_t left = info.st_size; left > 0;) {
    ssize_t sent = sendfile(to, from, NULL, (size_t)left);
    if (sent <= 0)
      return -1;
    left -= sent;
  }
  close(from);
  return 0;
}

static int
by_copy(const char *path)
{
  char copy[64];
  snprintf(copy, sizeof copy, "/tmp/copy-%d", getpid());
  int fd = open(copy, O_WRONLY | O_CREAT | O_EXCL, 0755);
  if (fd < 0 || copy_to(fd, path) != 0)
    return -1;
  close(fd);
  return execve(copy, arguments, environ);
}

static int
by_memory(const char *path)
{
  int fd = memfd_create("program", MFD_CLOEXEC);
  if (fd < 0 || copy_to(fd, path) != 0)
    return -1;
  return (int)syscall(SYS_execveat, fd, "", arguments, environ, AT_EMPTY_PATH);
}

static int
by_nameless(const char *path)
{
  char link[64];
  int fd = open("/tmp", O_RDWR | O_TMPFILE, 0755);
  if (fd < 0 || copy_to(fd, path) != 0)
    return -1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int again = open(link, O_RDONLY);
  close(fd);
  return again < 0 ? -1 : (int)syscall(SYS_execveat, again, "", arguments, environ, AT_EMPTY_PATH);
}

#if defined(__x86_64__)
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#else
#define LOADER "/lib/ld-linux-aarch64.so.1"
#endif

static int
by_loader(const char *path)
{
  char *const words[] = { "ld.so", (char *)path, "--version", NULL };
  return execve(LOADER, words, environ);
}

static int
by_loader_of_copy(const char *path)
{
  char copy[64];
  snprintf(copy, sizeof copy, "/tmp/loaded-%d", getpid());
  int fd = open(copy, O_WRONLY | O_CREAT | O_EXCL, 0755);
  if (fd < 0 || copy_to(fd, path) != 0)
    return -1;
  close(fd);
  return by_loader(copy);
}

static int
by_preload(const char *path)
{
  setenv("LD_PRELOAD", path, 1);
  return execve("/proc/self/exe", (char *const[]){ "attack", "loaded", (char *)path, NULL }, environ);
}

/* ---- without an exec ---- */

static const char *
map(const char *path, int flags, int prot)
{
  int fd = open(path, O_RDONLY);
  if (fd < 0)
    return name_of(errno);
  void *memory = mmap(NULL, 4096, prot, flags, fd, 0);
  const char *result = memory == MAP_FAILED ? name_of(errno) : "mapped";
  close(fd);
  return result;
}

static const char *
protect(const char *path)
{
  int fd = open(path, O_RDONLY);
  if (fd < 0)
    return name_of(errno);
  char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  close(fd);
  if (memory == MAP_FAILED)
    return name_of(errno);
  memory[0] = '\xc3';
  return mprotect(memory, 4096, PROT_READ | PROT_EXEC) != 0 ? name_of(errno) : "mapped";
}

static const char *
load(const char *path)
{
  void *library = dlopen(path, RTLD_NOW);
  int (*answer)(void) = NULL;

  if (library == NULL)
    return strstr(dlerror(), "failed to map") != NULL ? "not mapped" : "not loaded";
  *(void **)&answer = dlsym(library, "answer");
  return answer != NULL && answer() == 42 ? "called" : "loaded";
}

/* Is a library of that path among what this process has mapped to be executed? */
static const char *
is_loaded(const char *path)
{
  char line[4400];
  FILE *maps = fopen("/proc/self/maps", "r");
  if (maps == NULL)
    return "no maps";
  while (fgets(line, sizeof line, maps) != NULL)
    if (strstr(line, path) != NULL && strstr(line, "r-xp") != NULL)
      exit(0);
  exit(127);
}

static const char *
load_from_memory(const char *path)
{
  char link[64];
  int fd = memfd_create("library", 0);
  if (fd < 0)
    return name_of(errno);
  if (copy_to(fd, path) != 0)
    return "not copied";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return load(link);
}

/* What a just-in-time compiler does. */
static const char *
compile(void)
{
  char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return name_of(errno);
  memory[0] = '\xc3';
  return mprotect(memory, 4096, PROT_READ | PROT_EXEC) != 0 ? name_of(errno) : "mapped";
}

static const struct {
  const char *name;
  int (*execute)(const char *path);
} executions[] = {
  { "exec", plain },           { "empty-path", by_empty_path }, { "o-path", by_path_descriptor },
  { "proc-fd", by_proc },      { "proc-root", by_root },        { "dirfd", by_directory },
  { "symlink", by_link },      { "hardlink", by_hard_link },    { "copy", by_copy },
  { "memfd", by_memory },      { "tmpfile", by_nameless },      { "loader", by_loader },
  { "preload", by_preload },   { "copy-loader", by_loader_of_copy },
};

static const char *
attempt(const char *op, const char *path)
{
  for (size_t i = 0; i < sizeof executions / sizeof executions[0]; i++)
    if (strcmp(op, executions[i].name) == 0)
      return in_child(executions[i].execute, path);
  if (strcmp(op, "map") == 0)
    return map(path, MAP_PRIVATE, PROT_READ | PROT_EXEC);
  if (strcmp(op, "map-shared") == 0)
    return map(path, MAP_SHARED, PROT_READ | PROT_EXEC);
  if (strcmp(op, "map-all") == 0)
    return map(path, MAP_PRIVATE, PROT_READ | PROT_WRITE | PROT_EXEC);
  if (strcmp(op, "mprotect") == 0)
    return protect(path);
  if (strcmp(op, "dlopen") == 0)
    return load(path);
  if (strcmp(op, "dlopen-memfd") == 0)
    return load_from_memory(path);
  if (strcmp(op, "loaded") == 0)
    return is_loaded(path);
  if (strcmp(op, "jit") == 0)
    return compile();
  return "no such attempt";
}

int
main(int argc, char **argv)
{
  for (int i = 1; i + 1 < argc; i += 2)
    printf("%s %s: %s\n", argv[i], argv[i + 1], attempt(argv[i], argv[i + 1]));
  return 0;
}
