/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who else holds a socket.  The kernel counts, but tells nobody; so all descriptors of all
 * processes of the sandbox are looked at, in the /proc that it has itself, where there are
 * no others.  Those of buntime-init, pid 1 and the opener, let nobody look, and hold nothing.
 */
#include "lib/bt-holders.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/bt-process.h"

/*
 * How much is looked at, in descriptors: whoever waits for an answer, also in other sandboxes,
 * waits for this.  A process is as many as PROCESS_COST of them, and what is told of an epoll
 * set one for so many bytes.
 */
#define MAX_COST 1024
#define PROCESS_COST 4
#define BYTES_PER_COST 256
/* Of epoll sets; a line for each member. */
#define MAX_INFO 65536

typedef struct {
  char link[48];   /* what the socket's descriptors lead to */
  char member[48]; /* how an epoll set speaks of it */
  guint own;       /* descriptors of it */
  guint left;      /* of MAX_COST */
} Search;

static void
close_dir(DIR **dir)
{
  if (*dir != NULL)
    closedir(*dir);
}

static DIR *
open_dir(int parent, const char *name)
{
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

  if (dir == NULL && fd >= 0)
    close(fd);
  return dir;
}

/* FALSE: that is too much. */
static gboolean
spend(Search *search, guint cost)
{
  if (search->left < cost)
    return FALSE;
  search->left -= cost;
  return TRUE;
}

/* TRUE also if it cannot be told. */
static gboolean
is_member(Search *search, int process, const char *number)
{
  static char info[MAX_INFO];
  char name[32];
  gsize size = 0;

  snprintf(name, sizeof name, "fdinfo/%.12s", number);
  int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return TRUE;
  ssize_t got;
  do {
    got = read(fd, info + size, sizeof info - 1 - size);
    size += got > 0 ? (gsize)got : 0;
  } while (got > 0 && size < sizeof info - 1);
  close(fd);
  info[size] = '\0';
  return !spend(search, (guint)size / BYTES_PER_COST) || got != 0 || strstr(info, search->member) != NULL;
}

/* FALSE: somebody holds it, or might. */
static gboolean
look_at(Search *search, int process, int folder, const char *number)
{
  char link[sizeof search->link];

  if (!spend(search, 1))
    return FALSE;
  ssize_t length = readlinkat(folder, number, link, sizeof link - 1);
  if (length < 0)
    return TRUE; /* closed meanwhile */
  link[length] = '\0';
  if (strcmp(link, search->link) == 0)
    search->own++;
  return search->own <= 1 &&
         (strcmp(link, "anon_inode:[eventpoll]") != 0 || !is_member(search, process, number));
}

/* By its name: who pretends to be it is connected in a way that it might notice, no more. */
static gboolean
is_init(int process)
{
  static const char init[] = "buntime-init\n";
  char name[sizeof init] = "";
  int fd = openat(process, "comm", O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return FALSE;
  ssize_t got = read(fd, name, sizeof name);
  close(fd);
  return got == sizeof init - 1 && memcmp(name, init, sizeof init - 1) == 0;
}

static gboolean
look_through(Search *search, int proc, const char *pid)
{
  if (!spend(search, PROCESS_COST))
    return FALSE;
  __attribute__((cleanup(close_dir))) DIR *process = open_dir(proc, pid);
  __attribute__((cleanup(close_dir))) DIR *folder =
    process != NULL ? open_dir(dirfd(process), "fd") : NULL;
  struct dirent *entry;

  /* It has ended, and holds nothing. */
  if (process == NULL)
    return TRUE;
  if (folder == NULL)
    return is_init(dirfd(process));
  while ((entry = readdir(folder)) != NULL)
    if (g_ascii_isdigit(entry->d_name[0]) &&
        !look_at(search, dirfd(process), dirfd(folder), entry->d_name))
      return FALSE;
  return TRUE;
}

gboolean
bt_holders_is_alone(pid_t tid, ino_t socket)
{
  __attribute__((cleanup(close_dir))) DIR *proc = bt_process_open_proc(tid);
  Search search = { .left = MAX_COST };
  struct dirent *entry;

  if (proc == NULL || socket == 0)
    return FALSE;
  snprintf(search.link, sizeof search.link, "socket:[%lu]", (unsigned long)socket);
  snprintf(search.member, sizeof search.member, " ino:%lx ", (unsigned long)socket);
  while ((entry = readdir(proc)) != NULL)
    if (g_ascii_isdigit(entry->d_name[0]) && !look_through(&search, dirfd(proc), entry->d_name))
      return FALSE;
  /* Not found: a thread with descriptors of its own. */
  return search.own == 1;
}
