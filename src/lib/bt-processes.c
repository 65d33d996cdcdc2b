/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What runs in a sandbox, as /proc tells.
 *
 * With namespaces it is the /proc that the sandbox has itself, in which there are no others:
 * whoever gets the number of one that has ended is one of the sandbox, too.
 *
 * Without them it is the host's, and those that came of init are found by their parents' numbers.
 * One of these may be another's by the time that we read of its children.  So what was found is
 * looked at once more: who began when he did before was there all the while, and whom he was said
 * to be the parent of is his.  Of init, which we hold, it is known that it lives.
 *
 * Of a process only `stat` is read.  It takes no lock that could be held for long: what shows a
 * program's arguments, or its memory as mapped, waits for whoever holds the memory's.
 */
#include "lib/bt-processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/bt-process.h"
#include "policy/bt-json-writer.h"

#define MAX_TOLD 1024
/* Of the host's, without namespaces. */
#define MAX_SEEN 32768
/* For all of it: the host program's thread does nothing else meanwhile. */
#define MAX_TIME (50 * G_TIME_SPAN_MILLISECOND)

typedef enum {
  UNKNOWN,
  OURS,
  ANOTHERS,
} Whose;

typedef struct {
  pid_t pid, parent;
  char name[16];
  char state;
  guint64 start; /* ticks since the machine's */
  guint64 ticks; /* of processor time */
  guint64 pages;
  Whose whose;
} Process;

typedef struct {
  DIR *proc; /* NULL: there is none */
  gint64 deadline;
  GHashTable *seen; /* pid → Process, owned */
} Search;

/*
 * "7 (name) S 1 ...", proc(5).  The name is the process's own word, and may hold anything but a
 * NUL; behind it come only numbers.
 */
static gboolean
parse(const char *text, Process *process_out)
{
  const char *name = strchr(text, '('), *end = strrchr(text, ')');
  unsigned long long user, system, start;
  long pages;

  if (name == NULL || end == NULL || end < name ||
      sscanf(end + 1,
             " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu "
             "%*u %ld",
             &process_out->state, &process_out->parent, &user, &system, &start, &pages) != 6)
    return FALSE;
  gsize length = MIN((gsize)(end - name - 1), sizeof process_out->name - 1);
  memcpy(process_out->name, name + 1, length);
  process_out->name[length] = '\0';
  process_out->ticks = user + system;
  process_out->start = start;
  process_out->pages = pages > 0 ? (guint64)pages : 0;
  return TRUE;
}

/* FALSE: it has ended. */
static gboolean
look(const Search *self, pid_t pid, Process *process_out)
{
  char path[32], text[2048];

  snprintf(path, sizeof path, "%d/stat", pid);
  int fd = openat(dirfd(self->proc), path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  text[MAX(got, 0)] = '\0';
  *process_out = (Process){ .pid = pid };
  return got > 0 && parse(text, process_out);
}

static void
see_all(Search *self)
{
  struct dirent *entry;
  Process process;

  while (self->proc != NULL && g_hash_table_size(self->seen) < MAX_SEEN &&
         g_get_monotonic_time() < self->deadline && (entry = readdir(self->proc)) != NULL) {
    pid_t pid = (pid_t)g_ascii_strtoull(entry->d_name, NULL, 10);
    if (pid > 0 && look(self, pid, &process))
      g_hash_table_insert(self->seen, GINT_TO_POINTER(pid), g_memdup2(&process, sizeof process));
  }
}

static Process *
parent_of(const Search *self, const Process *process)
{
  return g_hash_table_lookup(self->seen, GINT_TO_POINTER(process->parent));
}

/* Did it come of init?  What is found out on the way up is kept; a circle is nobody's. */
static void
decide(const Search *self, Process *process, pid_t init)
{
  Process *above = process;

  while (above != NULL && above->whose == UNKNOWN && above->parent != init) {
    above->whose = ANOTHERS;
    above = parent_of(self, above);
  }
  if (above == NULL || above->whose == ANOTHERS)
    return;
  above->whose = OURS;
  for (; process != above; process = parent_of(self, process))
    process->whose = OURS;
}

/* Takes out who is not found again. */
static gboolean
has_changed(gpointer key, gpointer value, gpointer data)
{
  const Search *self = data;
  Process *process = value, now;

  if (process->whose == OURS &&
      (!look(self, process->pid, &now) || now.start != process->start))
    return TRUE;
  process->whose = UNKNOWN;
  return FALSE;
}

static void
find_ours(Search *self, pid_t init)
{
  for (int i = 0; i < 2; i++) {
    GHashTableIter iter;
    gpointer process;
    g_hash_table_iter_init(&iter, self->seen);
    while (g_hash_table_iter_next(&iter, NULL, &process))
      decide(self, process, init);
    if (i == 0)
      g_hash_table_foreach_remove(self->seen, has_changed, self);
  }
}

static int
compare(gconstpointer a, gconstpointer b)
{
  const Process *left = *(const Process *const *)a, *right = *(const Process *const *)b;
  return (left->pid > right->pid) - (left->pid < right->pid);
}

/* As proc(5) calls them in `status`. */
static const char *
state_word(char state)
{
  switch (state) {
  case 'R':
    return "running";
  case 'S':
    return "sleeping";
  case 'D':
    return "disk sleep";
  case 'T':
    return "stopped";
  case 't':
    return "tracing stop";
  case 'Z':
    return "zombie";
  case 'X':
    return "dead";
  default:
    return "idle";
  }
}

static void
put(BtJsonWriter *json, const Process *process)
{
  const guint64 ticks = (guint64)MAX(sysconf(_SC_CLK_TCK), 1);
  const guint64 page = (guint64)sysconf(_SC_PAGESIZE);

  bt_json_begin_object(json, NULL);
  bt_json_put_int(json, "pid", process->pid);
  bt_json_put_int(json, "parent", process->parent);
  bt_json_put_string(json, "name", process->name);
  bt_json_put_string(json, "state", state_word(process->state));
  bt_json_put_int(json, "memory", (gint64)(process->pages * page));
  bt_json_put_int(json, "cpuTime", (gint64)(process->ticks * G_USEC_PER_SEC / ticks));
  bt_json_end(json);
}

static gboolean
has_ended(int pidfd)
{
  struct pollfd end = { .fd = pidfd, .events = POLLIN };
  return poll(&end, 1, 0) != 0;
}

/* init: as it is called in there. */
static void
put_all(BtJsonWriter *json, Search *search, pid_t init, gboolean flat)
{
  g_autoptr(GPtrArray) told = g_ptr_array_new();
  GHashTableIter iter;
  gpointer process;

  if (flat)
    find_ours(search, init);
  g_hash_table_iter_init(&iter, search->seen);
  while (g_hash_table_iter_next(&iter, NULL, &process))
    if (flat ? ((Process *)process)->whose == OURS : ((Process *)process)->pid != init)
      g_ptr_array_add(told, process);
  g_ptr_array_sort(told, compare);
  for (guint i = 0; i < told->len && i < MAX_TOLD; i++)
    put(json, g_ptr_array_index(told, i));
}

char *
bt_processes_to_json(pid_t init, int pidfd, gboolean flat)
{
  GString *text = g_string_new(NULL);
  BtJsonWriter json = BT_JSON_WRITER_INIT(text, 0);
  Search search = {
    .proc = flat ? opendir("/proc") : bt_process_open_proc(init),
    .deadline = g_get_monotonic_time() + MAX_TIME,
    .seen = g_hash_table_new_full(NULL, NULL, NULL, g_free),
  };

  bt_json_begin_array(&json, NULL);
  see_all(&search);
  /* Now: else it was another's /proc that was opened, or it is another's number by now. */
  if (!has_ended(pidfd))
    put_all(&json, &search, flat ? init : 1, flat);
  bt_json_end(&json);
  if (search.proc != NULL)
    closedir(search.proc);
  g_hash_table_unref(search.seen);
  return g_string_free(text, FALSE);
}
