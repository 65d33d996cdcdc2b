/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker that looks whether it is one: "it ran", then a line "weak: WHAT" for each thing that
 * it can do and should not, and "blind: PATH" for each that it could not look at. Each of them is held by a layer of its own where that can be had, so
 * that none of the layers is missed because of another.
 *
 *   enforced SECRET[:SECRET...] FOLDER PORT ADDRESS ABSTRACT [KIND=NAMESPACE ...]
 *
 * Files of the caller's that were not granted; a folder in which nothing may be made; a port on
 * which somebody listens on the host's loopback and at ADDRESS; an abstract socket of the host's;
 * and the namespaces that the caller is in.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void
expect(bool holds, const char *what)
{
  if (!holds)
    printf("weak: %s\n", what);
}

static bool
opens(const char *path, int flags)
{
  int fd = open(path, flags | O_CLOEXEC, 0600);
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

/* ---- paths ---- */

static void
look_at_paths(char *secrets, const char *folder)
{
  struct statvfs info = { 0 };
  char path[4096];

  for (char *secret = strtok(secrets, ":"); secret != NULL; secret = strtok(NULL, ":"))
    expect(!opens(secret, O_RDONLY), "a secret is read");
  snprintf(path, sizeof path, "%s/made", folder);
  expect(!opens(path, O_WRONLY | O_CREAT), "a file is made on the host");
  expect(statvfs("/", &info) == 0 && (info.f_flag & ST_RDONLY) != 0, "/ is writable");
  expect(statvfs("/proc", &info) == 0 && (info.f_flag & ST_RDONLY) != 0, "/proc is writable");
  expect(statvfs("/tmp", &info) == 0 && (info.f_flag & ST_NOEXEC) != 0, "/tmp is executable");
  expect(!opens("/usr/made", O_WRONLY | O_CREAT), "a file is made in /usr");
}

/* "TYPE OPTIONS ..." of each mount: nothing here may give a right. */
static void
look_at_mounts(void)
{
  char line[4096], options[256];
  FILE *file = fopen("/proc/self/mountinfo", "re");

  if (file == NULL)
    printf("blind: /proc/self/mountinfo\n");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "%*d %*d %*s %*s %*s %255s", options) != 1)
      continue;
    expect(strstr(options, "nosuid") != NULL, "a mount honours set-user-ID");
    expect(strstr(line, " master:") == NULL && strstr(line, " shared:") == NULL,
           "a mount is tied to the host's");
  }
  if (file != NULL)
    fclose(file);
}

/* ---- privileges ---- */

static void
look_at_status(const char *path, const char *who)
{
  static const char *const wanted[] = {
    "NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapInh:\t0000000000000000\n",
    "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
    "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n",
  };
  char text[8192] = "", what[128];
  int fd = open(path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) {
    printf("blind: %s\n", path);
    return;
  }
  close(fd);
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    snprintf(what, sizeof what, "%s: not %.*s", who, (int)strcspn(wanted[i], "\n"), wanted[i]);
    expect(strstr(text, wanted[i]) != NULL, what);
  }
}

static void
look_at_privileges(void)
{
  struct rlimit limit = { 0 };

  look_at_status("/proc/self/status", "the worker");
  look_at_status("/proc/1/status", "pid 1");
  expect(prctl(PR_GET_SECUREBITS) > 0 || errno == EPERM, "securebits are not set");
  expect(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max <= 1, "core files are written");
  expect(getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_max <= 1024, "processes have no limit");
  expect(!opens("/proc/1/mem", O_RDONLY), "pid 1's memory is read");
  expect(!opens("/proc/1/environ", O_RDONLY), "pid 1 is dumpable");
  expect(!opens("/proc/1/fd", O_RDONLY | O_DIRECTORY), "pid 1's descriptors are seen");
  for (int fd = 3; fd < 256; fd++)
    expect(fcntl(fd, F_GETFD) < 0, "a descriptor is left open");
}

static void
look_at_calls(void)
{
  expect(ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0, "ptrace is allowed");
  expect(unshare(CLONE_NEWUSER) != 0, "a user namespace is made");
  expect(syscall(SYS_memfd_create, "x", 0) < 0, "memfd_create is allowed");
  expect(syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, NULL) != 0, "a mount is made");
  expect(socket(AF_PACKET, SOCK_RAW, 0) < 0, "a packet socket is made");
}

static bool
executes(const char *path)
{
  int status = 0;
  pid_t pid = fork();

  if (pid == 0) {
    char *const argv[] = { "true", NULL };
    execv(path, argv);
    _exit(77);
  }
  return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) != 77;
}

/* ---- namespaces and the network ---- */

static void
look_at_namespaces(char *const *namespaces)
{
  char link[64], text[64], what[64];
  long left = -1;

  expect(getpid() < 10 && getppid() == 1, "the caller's processes have numbers here");
  for (; *namespaces != NULL; namespaces++) {
    size_t length = strcspn(*namespaces, "=");
    snprintf(link, sizeof link, "/proc/self/ns/%.*s", (int)length, *namespaces);
    ssize_t got = readlink(link, text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    snprintf(what, sizeof what, "the caller's namespace: %.*s", (int)length, *namespaces);
    expect(got > 0 && strcmp(text, *namespaces + length + 1) != 0, what);
  }
  FILE *file = fopen("/proc/sys/user/max_user_namespaces", "re");
  if (file == NULL || fscanf(file, "%ld", &left) != 1)
    printf("blind: max_user_namespaces\n");
  else
    expect(left == 0, "user namespaces may be made");
  if (file != NULL)
    fclose(file);
}

static bool
connects(const void *address, socklen_t size)
{
  int fd = socket(((const struct sockaddr *)address)->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool ok = fd >= 0 && connect(fd, address, size) == 0;

  if (fd >= 0)
    close(fd);
  return ok;
}

static void
look_at_network(const char *port, const char *address, const char *abstract)
{
  struct sockaddr_in inet = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
  struct sockaddr_un local = { .sun_family = AF_UNIX };
  size_t length = strlen(abstract);

  inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  expect(!connects(&inet, sizeof inet), "the host's loopback is reached");
  inet_pton(AF_INET, address, &inet.sin_addr);
  expect(!connects(&inet, sizeof inet), "an address is reached");
  memcpy(local.sun_path + 1, abstract, length);
  expect(!connects(&local, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)),
         "an abstract socket is reached");
}

int
main(int argc, char **argv)
{
  if (argc < 6)
    return 2;
  printf("it ran\n");
  look_at_paths(argv[1], argv[2]);
  look_at_mounts();
  look_at_privileges();
  look_at_calls();
  expect(!executes("/usr/bin/true"), "a program is executed");
  look_at_network(argv[3], argv[4], argv[5]);
  look_at_namespaces(argv + 6);
  return 0;
}
