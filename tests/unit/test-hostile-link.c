/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host's end of a channel (lib/bt-link.c) against workers that do everything that can be
 * done to memory and sockets which two processes share.  They are threads of this one, each
 * with a mapping of its own, so that there are many in a second: what a sandbox adds is
 * test-hostile's.
 *
 *   test-hostile-link [--seconds=N] [--seed=N]
 */
#include <errno.h>
#include <glib-unix.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "hostile-attack.h"
#include "hostile-report.h"
#include "lib/bt-link.h"

/* Longer than any of them needs on a machine that has other things to do. */
#define MUST_SECONDS 120
#define MAY_MILLISECONDS 10
/* Slow ones are for every so manieth case. */
#define SLOW_EVERY 100

typedef struct {
  BtLink *link;
  guint64 random;
  Attacker attacker;
  atomic_bool stop;
  pthread_t thread;
  unsigned kind;
  gboolean finished; /* the attacker */
  guint messages, closed, sum;
  const char *reason;
  gboolean busy; /* in a handler that iterates the main context */
} Case;

typedef struct {
  guint64 cases, broken, messages;
  guint64 *by_kind;
} Count;

static int seconds = 3;
static gint64 seed = 1;

static guint
below(Case *self, guint bound)
{
  return (guint)(hostile_random(&self->random) >> 32) % bound;
}

static gboolean
nothing(gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* May the host do as it likes? Not where something must be told that then might not be. */
static gboolean
is_free(const Case *self)
{
  return self->link != NULL && hostile_kind(self->kind) == HOSTILE_MAY;
}

/* What a host may do at any moment, also in what the link calls. */
static void
behave(Case *self)
{
  g_autofree char *bytes = NULL;
  g_autoptr(GBytes) message = NULL;

  switch (below(self, 24)) {
  case 0:
    g_clear_pointer(&self->link, bt_link_free);
    break;
  case 1:
    bt_link_set_paused(self->link, TRUE);
    break;
  case 2:
  case 3:
    bt_link_set_paused(self->link, FALSE);
    break;
  case 4:
    bt_link_finish(self->link);
    break;
  case 5:
    bt_link_break(self->link, "the host had enough");
    break;
  case 6:
    bt_link_send_control(self->link, "{\"type\":\"hello\",\"version\":1}");
    break;
  case 7:
    if (self->busy)
      break;
    self->busy = TRUE;
    g_idle_add(nothing, NULL);
    g_main_context_iteration(NULL, FALSE);
    self->busy = FALSE;
    break;
  default: {
    gsize size = below(self, 20) == 0 ? below(self, 3 << 20) : below(self, 200);
    bytes = g_malloc0(size + 1);
    message = g_bytes_new(bytes, size);
    bt_link_send(self->link, BT_FRAME_MESSAGE, 0, message);
    break;
  }
  }
}

/* As buntime-worker.c does. */
static void
answer(Case *self, BtFrameType type, guint32 id)
{
  g_autoptr(GBytes) nothing_more = g_bytes_new(NULL, 0);
  BtFrameType reply = type == BT_FRAME_REQUEST ? BT_FRAME_ERROR : BT_FRAME_DENY;

  if (type != BT_FRAME_REQUEST && (type < BT_FRAME_FS_READ || type > BT_FRAME_SYS))
    return;
  if (!bt_link_send(self->link, reply, id, nothing_more))
    bt_link_break(self->link, "it does not read the answers to its questions");
}

static void
on_message(gpointer data, BtFrameType type, guint32 id, GBytes *bytes)
{
  Case *self = data;
  gsize size;
  const guint8 *payload = g_bytes_get_data(bytes, &size);

  /* Each byte is ours by now. */
  for (gsize i = 0; i < size; i += 64)
    self->sum += payload[i];
  g_assert_true(bt_frame_type_is_from(type, BT_SIDE_WORKER));
  g_assert_cmpuint(self->closed, ==, 0);
  self->messages++;
  if (self->link != NULL && !is_free(self))
    answer(self, type, id);
  if (is_free(self) && below(self, 4) == 0)
    behave(self);
}

static void
on_control(gpointer data, const BtControl *message)
{
  Case *self = data;

  g_assert_true(g_utf8_validate(message->name, -1, NULL));
  g_assert_true(g_utf8_validate(message->text, -1, NULL));
  g_assert_cmpuint(self->closed, ==, 0);
  if (self->link != NULL && message->type == BT_CONTROL_HELLO && message->version != 1)
    bt_link_break(self->link, "it speaks another version of it");
  if (is_free(self) && below(self, 4) == 0)
    behave(self);
}

static void
on_closed(gpointer data, const char *reason)
{
  Case *self = data;

  g_assert_cmpuint(self->closed++, ==, 0);
  self->reason = reason;
  g_clear_pointer(&self->link, bt_link_free);
}

static void *
attack(void *data)
{
  Case *self = data;

  hostile_attack(&self->attacker, self->kind);
  if (self->attacker.wake >= 0)
    close(self->attacker.wake);
  if (self->attacker.control >= 0)
    close(self->attacker.control);
  close(self->attacker.memory);
  bt_ring_map_close(&self->attacker.map);
  return NULL;
}

static void
start(Case *self, guint64 size)
{
  static const BtLinkFuncs funcs = { on_message, on_control, on_closed };
  g_autoptr(GError) error = NULL;
  int fds[BT_INIT_CHANNEL_FDS];

  self->link = bt_link_new(size, &funcs, self, fds, &error);
  g_assert_no_error(error);
  self->attacker = (Attacker){
    .memory = fds[0],
    .wake = fds[1],
    .control = fds[2],
    .random = hostile_random(&self->random),
    .stop = &self->stop,
    .until = hostile_now() + (hostile_kind(self->kind) == HOSTILE_MAY
                                ? MAY_MILLISECONDS * 1000
                                : MUST_SECONDS * INT64_C(1000000)),
  };
  atomic_init(&self->stop, false);
  g_assert_cmpint(bt_ring_map_open(&self->attacker.map, fds[0], bt_ring_capacity_for(size)), ==, 0);
  g_assert_cmpint(pthread_create(&self->thread, NULL, attack, self), ==, 0);
}

static void
run_case(Case *self, Count *count)
{
  const gboolean must = hostile_kind(self->kind) != HOSTILE_MAY;
  gboolean ended = FALSE;

  start(self, G_GUINT64_CONSTANT(131072) << below(self, 4));
  while (self->link != NULL && !ended) {
    guint timer = g_timeout_add(1, nothing, NULL);
    g_main_context_iteration(NULL, TRUE);
    g_main_context_iteration(NULL, FALSE);
    GSource *source = g_main_context_find_source_by_id(NULL, timer);
    if (source != NULL)
      g_source_destroy(source);
    ended = hostile_now() >= self->attacker.until;
    if (is_free(self) && below(self, 3) == 0)
      behave(self);
  }
  atomic_store(&self->stop, true);
  pthread_join(self->thread, NULL);
  if (must && self->reason == NULL)
    g_error("seed %" G_GINT64_FORMAT ": the attack \"%s\" ended without a word", seed,
            hostile_name(self->kind));
  g_clear_pointer(&self->link, bt_link_free);
  count->cases++;
  count->by_kind[self->kind]++;
  count->broken += self->reason != NULL;
  count->messages += self->messages;
}

static unsigned
choose_kind(Case *self)
{
  unsigned kind;

  do
    kind = below(self, hostile_count());
  while (hostile_kind(kind) == HOSTILE_MUST_SLOWLY && below(self, SLOW_EVERY) != 0);
  return kind;
}

static void
tell(const Count *count)
{
  struct rusage usage;

  getrusage(RUSAGE_SELF, &usage);
  g_print("%" G_GUINT64_FORMAT " cases in %ld CPU seconds, %" G_GUINT64_FORMAT
          " broke the protocol, %" G_GUINT64_FORMAT " messages\n",
          count->cases, usage.ru_utime.tv_sec + usage.ru_stime.tv_sec, count->broken,
          count->messages);
  for (unsigned i = 0; i < hostile_count(); i++)
    g_print("  %-20s %" G_GUINT64_FORMAT "\n", hostile_name(i), count->by_kind[i]);
}

static void
read_options(int argc, char *argv[])
{
  const GOptionEntry entries[] = {
    { "seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "how long", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of the random numbers", "N" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;

  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error))
    g_error("%s", error->message);
}

int
main(int argc, char *argv[])
{
  Count count = { .by_kind = g_new0(guint64, hostile_count()) };
  guint descriptors = 0;
  gint64 memory = 0;

  read_options(argc, argv);
  guint64 random = (guint64)seed;
  gint64 until = hostile_now() + seconds * INT64_C(1000000);
  for (unsigned i = 0; i < hostile_count() || hostile_now() < until; i++) {
    Case one = { .random = hostile_random(&random) };
    /* Each of them once, and then as it comes. */
    one.kind = i < hostile_count() ? i : choose_kind(&one);
    run_case(&one, &count);
    if (i + 1 == hostile_count()) {
      descriptors = report_descriptors();
      memory = report_memory();
    }
  }
  tell(&count);
  gint64 grown = (report_memory() - memory) >> 20;
  g_print("grown by %" G_GINT64_FORMAT " MiB, and %d descriptors\n", grown,
          (int)(report_descriptors() - descriptors));
  g_assert_cmpuint(report_descriptors(), ==, descriptors);
  g_assert_cmpint(grown, <, REPORT_MAX_GROWTH);
  g_free(count.by_kind);
  return 0;
}
