/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first event of a kind, object and program is shown at once.  The same
 * again is only counted, and shown with its count when the group closes: some
 * seconds after it opened, or at the end.  A burst of different events is cut
 * by a token bucket; what was cut is told as a number.  Groups are bounded: a
 * worker that invents a new object each time gets the bucket, not our memory.
 * The stream for programs has the same groups, and a bucket of its own.
 *
 * stderr may be a pipe that nobody reads.  Then writing would block the main
 * loop and, with it, every notified call of the worker; so a text is written
 * only when poll() says there is room, and counted as cut otherwise.
 */
#include "lib/bt-explain.h"

#include <glib/gi18n-lib.h>
#include <poll.h>
#include <string.h>

#include "lib/bt-watch.h"
#include "lib/bt-write.h"

#define MAX_GROUPS 1024
#define GROUP_SECONDS 5
#define BURST 40         /* events shown at once */
#define REFILL_SECONDS 1 /* then this long for each further one */
/* A pipe that polls writable takes this much without blocking (PIPE_BUF). */
#define MAX_TEXT 4096

typedef struct {
  BtEvent *event;
  guint again; /* how often it came after it was shown */
} Group;

struct _BtExplainer {
  int fd;
  gboolean quiet;
  GHashTable *groups; /* char *key → Group */
  guint64 generation; /* of the groups: all close at once */
  guint timer;
  gint64 refilled; /* µs, monotonic */
  guint tokens;
  guint cut;
  gboolean audit;
  guint unshown; /* allowed, and not shown */
  BtEventStream *stream; /* NULL: none */
  BtExplainerFunc func;  /* NULL: nobody */
  gpointer data;
};

static void
group_free(gpointer data)
{
  Group *group = data;
  bt_event_free(group->event);
  g_free(group);
}

BtExplainer *
bt_explainer_new(int fd, gboolean quiet)
{
  BtExplainer *self = g_new0(BtExplainer, 1);
  self->fd = fd;
  self->quiet = quiet;
  self->groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, group_free);
  self->tokens = BURST;
  self->refilled = g_get_monotonic_time();
  return self;
}

/* As many whole characters as there is room for, "…" and a newline (transfer full). */
static char *
cut_text(const char *text)
{
  static const char end[] = "…\n";
  const char *stop = text + MAX_TEXT - strlen(end);

  while ((*stop & 0xc0) == 0x80)
    stop--;
  g_autofree char *start = g_strndup(text, stop - text);
  return g_strconcat(start, end, NULL);
}

static gboolean
show(BtExplainer *self, const char *text)
{
  struct pollfd pollfd = { .fd = self->fd, .events = POLLOUT };
  /* Without its last newline the next text would stand behind it. */
  g_autofree char *cut = strlen(text) > MAX_TEXT ? cut_text(text) : NULL;
  const char *shown = cut != NULL ? cut : text;
  gsize length = strlen(shown);

  if (poll(&pollfd, 1, 0) != 1 || (pollfd.revents & POLLOUT) == 0)
    return FALSE;
  return bt_write_quietly(self->fd, shown, length) == (gssize)length;
}

static gboolean
take_token(BtExplainer *self)
{
  gint64 passed = (g_get_monotonic_time() - self->refilled) / (REFILL_SECONDS * G_USEC_PER_SEC);
  if (passed > 0) {
    self->tokens = MIN(BURST, self->tokens + passed);
    self->refilled += passed * REFILL_SECONDS * G_USEC_PER_SEC;
  }
  if (self->tokens == 0)
    return FALSE;
  self->tokens--;
  return TRUE;
}

/*
 * What was allowed is for the stream. Without one audit shows what a rule
 * decided, not each file of the runtime, and leaves half the room to refusals.
 */
static gboolean
is_shown(BtExplainer *self, const BtEvent *event)
{
  if (event->kind == BT_EVENT_STATE)
    return FALSE;
  if (event->action != BT_ACTION_ALLOW)
    return TRUE;
  if (self->audit && self->stream == NULL && event->rule.text != NULL && self->tokens > BURST / 2)
    return TRUE;
  self->unshown += event->count;
  return FALSE;
}

/* Those who read events and not the text. */
static void
tell(BtExplainer *self, const BtEvent *event)
{
  if (self->stream != NULL)
    bt_event_stream_add(self->stream, event);
  if (self->func != NULL)
    self->func(self->data, event);
}

static void
show_event(BtExplainer *self, BtEvent *event)
{
  g_autofree char *text = NULL;

  tell(self, event);
  if (self->quiet || !is_shown(self, event))
    return;
  if (take_token(self)) {
    text = bt_event_format(event);
    if (show(self, text))
      return;
  }
  self->cut += event->count;
}

static void
show_cut(BtExplainer *self)
{
  g_autofree char *text = NULL;

  if (self->cut == 0 || self->quiet)
    return;
  text = g_strdup_printf(
    g_dngettext(GETTEXT_PACKAGE, "buntime: %u more refusal was not shown\n",
                "buntime: %u more refusals were not shown\n", self->cut),
    self->cut);
  if (show(self, text))
    self->cut = 0;
}

/* Rule and flag were said the first time: one line is enough. */
static void
show_again(BtExplainer *self, Group *group)
{
  g_autofree char *text = NULL, *line = NULL;

  group->event->count = group->again;
  group->event->time = g_get_real_time();
  /* These were the first one's. */
  group->event->duration = -1;
  g_clear_pointer(&group->event->addresses, g_strfreev);
  tell(self, group->event);
  if (self->quiet || !is_shown(self, group->event))
    return;
  group->event->count = 1;
  if (take_token(self)) {
    text = bt_event_format(group->event);
    text[strcspn(text, "\n")] = '\0';
    line = group->again == 1 ? g_strdup_printf(_("%s, once more\n"), text)
                             : g_strdup_printf(_("%s, %u times more\n"), text, group->again);
    if (show(self, line))
      return;
  }
  self->cut += group->again;
}

/* Closes every group, with a last word for those that came again. */
static void
close_groups(BtExplainer *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init(&iter, self->groups);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    Group *group = value;
    if (group->again > 0)
      show_again(self, group);
  }
  g_hash_table_remove_all(self->groups);
  self->generation++;
}

static gboolean
on_timer(gpointer data)
{
  BtExplainer *self = data;
  self->timer = 0;
  close_groups(self);
  show_cut(self);
  return G_SOURCE_REMOVE;
}

void
bt_explainer_set_stream(BtExplainer *self, BtEventStream *stream)
{
  g_clear_pointer(&self->stream, bt_event_stream_free);
  self->stream = stream;
}

void
bt_explainer_set_func(BtExplainer *self, BtExplainerFunc func, gpointer data)
{
  self->func = func;
  self->data = data;
}

void
bt_explainer_set_audit(BtExplainer *self, gboolean audit)
{
  self->audit = audit;
}

void
bt_explainer_add(BtExplainer *self, BtEvent *event)
{
  BtEventHandle unused;
  bt_explainer_add_handle(self, event, &unused);
}

void
bt_explainer_add_alone(BtExplainer *self, BtEvent *event)
{
  show_event(self, event);
  bt_event_free(event);
}

gboolean
bt_explainer_has_stream(const BtExplainer *self)
{
  return self->stream != NULL || self->func != NULL;
}

void
bt_explainer_record(BtExplainer *self, BtEvent *event)
{
  tell(self, event);
  bt_event_free(event);
}

gboolean
bt_explainer_again(BtExplainer *self, const BtEventHandle *handle)
{
  if (handle->generation != self->generation)
    return FALSE;
  Group *group = handle->group;
  group->again++;
  return TRUE;
}

void
bt_explainer_add_handle(BtExplainer *self, BtEvent *event, BtEventHandle *handle_out)
{
  const char *object = event->object != NULL ? event->object : "";
  /* With its length, as it may have a colon in it and the program's name, too. */
  g_autofree char *key =
    g_strdup_printf("%d:%d:%d:%s:%zu:%s:%s", event->kind, event->action, event->observed,
                    event->state != NULL ? event->state : "", strlen(object), object,
                    event->program != NULL ? event->program : "");
  Group *group = g_hash_table_lookup(self->groups, key);
  if (group != NULL) {
    *handle_out = (BtEventHandle){ self->generation, group };
    group->again += event->count;
    bt_event_free(event);
    return;
  }
  if (g_hash_table_size(self->groups) >= MAX_GROUPS)
    close_groups(self);
  group = g_new0(Group, 1);
  group->event = event;
  *handle_out = (BtEventHandle){ self->generation, group };
  g_hash_table_insert(self->groups, g_steal_pointer(&key), group);
  show_event(self, event);
  if (self->timer == 0)
    self->timer = bt_watch_timeout(GROUP_SECONDS * 1000, on_timer, self);
}

static void
say_line(BtExplainer *self, const char *text, gboolean quiet)
{
  g_autofree char *line = NULL;

  if (self->func != NULL) {
    g_autoptr(BtEvent) event = bt_event_new_state("notice");
    event->reason = g_strdup(text);
    self->func(self->data, event);
  }
  if (quiet)
    return;
  line = g_strdup_printf("buntime: %s\n", text);
  show(self, line);
}

void
bt_explainer_note(BtExplainer *self, const char *text)
{
  say_line(self, text, self->quiet);
}

void
bt_explainer_insist(BtExplainer *self, const char *text)
{
  say_line(self, text, FALSE);
}

void
bt_explainer_free(BtExplainer *self)
{
  g_autofree char *note = NULL;

  close_groups(self);
  show_cut(self);
  if (self->audit && self->stream == NULL && self->unshown > 0) {
    note = g_strdup_printf(g_dngettext(GETTEXT_PACKAGE,
                                       "%u more allowed operation; --audit=FILE has it",
                                       "%u more allowed operations; --audit=FILE has them",
                                       self->unshown),
                           self->unshown);
    bt_explainer_note(self, note);
  }
  g_clear_pointer(&self->stream, bt_event_stream_free);
  bt_watch_clear(&self->timer);
  g_hash_table_unref(self->groups);
  g_free(self);
}
