// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * perms OP PATH [OP PATH ...]: tries each operation on a path, and prints
 * "OP PATH: RESULT", an errno's name or "ok". Where an operation takes two
 * paths, PATH is "FROM:TO".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

extern char **environ;

/* Cuts "FROM:TO" into its two. */
static const char *
cut_pair(const char *pair, const char **to_out)
{
  static char text[8400];
  snprintf(text, sizeof text, "%s", pair);
  char *colon = strchr(text, ':');
  *to_out = colon != NULL ? colon + 1 : "";
  if (colon != NULL)
    *colon = '\0';
  return text;
}

static int
closed(int fd)
{
  return fd < 0 ? -1 : close(fd);
}

static int
read_file(const char *path)
{
  char byte;
  int fd = open(path, O_RDONLY);
  return fd < 0 || read(fd, &byte, 1) < 0 ? -1 : close(fd);
}

static int
write_file(const char *path)
{
  int fd = open(path, O_WRONLY);
  return fd < 0 || write(fd, "w", 1) != 1 ? -1 : close(fd);
}

static int
append(const char *path)
{
  return closed(open(path, O_WRONLY | O_APPEND));
}

static int
run(const char *path)
{
  char *const arguments[] = { (char *)path, NULL };
  int channel[2], error = 0, status = 0;

  if (pipe2(channel, O_CLOEXEC) != 0)
    return -1;
  pid_t pid = fork();
  if (pid == 0) {
    execve(path, arguments, environ);
    error = errno;
    _exit(write(channel[1], &error, sizeof error) == sizeof error ? 100 : 101);
  }
  close(channel[1]);
  ssize_t got = read(channel[0], &error, sizeof error);
  close(channel[0]);
  waitpid(pid, &status, 0);
  errno = error;
  return got == 0 ? 0 : -1;
}

static int
read_dir(const char *path)
{
  DIR *folder = opendir(path);
  return folder == NULL || readdir(folder) == NULL ? -1 : closedir(folder);
}

static int
make_char(const char *path)
{
  return mknod(path, S_IFCHR | 0600, makedev(1, 3));
}

/* What overlayfs hides a file by: the one device that needs no capability. */
static int
make_whiteout(const char *path)
{
  return mknod(path, S_IFCHR | 0600, makedev(0, 0));
}

static int
make_block(const char *path)
{
  return mknod(path, S_IFBLK | 0600, makedev(7, 0));
}

static int
make_dir(const char *path)
{
  return mkdir(path, 0700);
}

static int
make_reg(const char *path)
{
  return mknod(path, S_IFREG | 0600, 0);
}

/* Without writing: making is all that is asked. */
static int
create(const char *path)
{
  return closed(open(path, O_RDONLY | O_CREAT | O_EXCL, 0600));
}

/* Makes it and writes to it. */
static int
save(const char *path)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  return fd < 0 || write(fd, "s", 1) != 1 ? -1 : close(fd);
}

static int
nameless(const char *path)
{
  return closed(open(path, O_WRONLY | O_TMPFILE, 0600));
}

static int
make_sock(const char *path)
{
  return mknod(path, S_IFSOCK | 0600, 0);
}

static int
bind_sock(const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  return fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ? -1 : close(fd);
}

static int
make_fifo(const char *path)
{
  return mknod(path, S_IFIFO | 0600, 0);
}

static int
make_sym(const char *path)
{
  return symlink("nowhere", path);
}

static int
cut(const char *path)
{
  return truncate(path, 1);
}

/* The kernel truncates by a descriptor that only reads, too. */
static int
open_truncating(const char *path)
{
  return closed(open(path, O_RDONLY | O_TRUNC));
}

static int
move(const char *pair)
{
  const char *to, *from = cut_pair(pair, &to);
  return rename(from, to);
}

static int
exchange(const char *pair)
{
  const char *to, *from = cut_pair(pair, &to);
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE);
}

static int
hard_link(const char *pair)
{
  const char *to, *from = cut_pair(pair, &to);
  return link(from, to);
}

static int
soft_link(const char *pair)
{
  const char *to, *from = cut_pair(pair, &to);
  return symlink(to, from);
}

static int
change_mode(const char *path)
{
  return chmod(path, 0755);
}

static int
change_mode_by_fd(const char *path)
{
  int fd = open(path, O_RDONLY);
  return fd < 0 || fchmod(fd, 0755) != 0 ? -1 : close(fd);
}

static int
change_mode_by_path_fd(const char *path)
{
  char name[64];
  int fd = open(path, O_PATH);
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  return fd < 0 || chmod(name, 0755) != 0 ? -1 : close(fd);
}

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static int
change_mode_newly(const char *path)
{
  return (int)syscall(SYS_fchmodat2, AT_FDCWD, path, 0755, AT_SYMLINK_NOFOLLOW);
}

static int
change_owner(const char *path)
{
  return chown(path, getuid(), getgid());
}

static int
change_times(const char *path)
{
  const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
  return utimensat(AT_FDCWD, path, times, 0);
}

static int
change_times_before(const char *path)
{
  const struct utimbuf times = { 1, 1 };
  return utime(path, &times);
}

static int
change_attribute(const char *path)
{
  return setxattr(path, "user.perms", "x", 1, 0);
}

static int
remove_attribute(const char *path)
{
  return removexattr(path, "user.perms");
}

static const struct {
  const char *name;
  int (*try)(const char *path);
} operations[] = {
  { "read_file", read_file },     { "write_file", write_file },   { "append", append },
  { "execute", run },             { "read_dir", read_dir },       { "remove_dir", rmdir },
  { "remove_file", unlink },      { "make_char", make_char },     { "whiteout", make_whiteout },
  { "make_block", make_block },   { "make_dir", make_dir },       { "make_reg", make_reg },
  { "create", create },           { "save", save },               { "tmpfile", nameless },
  { "make_sock", make_sock },     { "bind", bind_sock },          { "make_fifo", make_fifo },
  { "make_sym", make_sym },       { "truncate", cut },            { "o_trunc", open_truncating },
  { "rename", move },             { "exchange", exchange },       { "link", hard_link },
  { "symlink", soft_link },
  { "chmod", change_mode },       { "fchmod", change_mode_by_fd },
  { "chmod-proc", change_mode_by_path_fd },                       { "fchmodat2", change_mode_newly },
  { "chown", change_owner },      { "utimensat", change_times },  { "utime", change_times_before },
  { "setxattr", change_attribute }, { "removexattr", remove_attribute },
};

static const char *
attempt(const char *op, const char *path)
{
  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
    if (strcmp(op, operations[i].name) == 0) {
      if (operations[i].try(path) == 0)
        return "ok";
      const char *name = strerrorname_np(errno);
      return name != NULL ? name : "?";
    }
  return "no such attempt";
}

int
main(int argc, char **argv)
{
  for (int i = 1; i + 1 < argc; i += 2) {
    printf("%s %s: %s\n", argv[i], argv[i + 1], attempt(argv[i], argv[i + 1]));
    fflush(stdout);
  }
  return 0;
}
