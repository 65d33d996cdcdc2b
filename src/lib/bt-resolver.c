/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor's side of buntime-resolver, over one SOCK_SEQPACKET
 * socketpair: questions go out (RESOLVE), answers come back by id (ANSWER).
 * Here a question of type A asks for IPv4 addresses, one of type AAAA for both
 * kinds: one lookup answers both questions of the worker.
 *
 * It reads name servers' answers, so it is taken for hostile here: a message of
 * another kind, size or content ends it, and what it answers are addresses that
 * bt-names.c still has to choose from.  When it is gone, every lookup fails,
 * open ones and later ones, and this is said once.
 */
#include "lib/bt-resolver.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-spawn.h"
#include "lib/bt-watch.h"
#include "policy/buntime-error.h"
#include "wire/bt-net-msg.h"

/* Answers taken in one dispatch. */
#define BATCH 32

typedef struct {
  guint32 id;
  gboolean ipv6;
  BtLookupDone done;
  gpointer data;
} Lookup;

typedef struct {
  BtResolver base;
  BtExplainer *explainer;
  BtHelper helper;
  int fd; /* -1 once it ended */
  guint source;
  guint fail_source; /* tells open lookups that they failed, from the main loop */
  GHashTable *lookups; /* id → Lookup */
  guint32 last_id;
} Peer;

/* ---- its end ---- */

static gboolean
on_fail(gpointer data)
{
  Peer *self = data;
  GHashTableIter iter;
  gpointer value;

  /* done() may start the next, which fails here, too. */
  while (g_hash_table_iter_init(&iter, self->lookups),
         g_hash_table_iter_next(&iter, NULL, &value)) {
    g_autofree Lookup *lookup = value;
    g_hash_table_iter_steal(&iter);
    lookup->done(lookup->data, BT_LOOKUP_FAILED, NULL, 0);
  }
  self->fail_source = 0;
  return G_SOURCE_REMOVE;
}

static void
fail_soon(Peer *self)
{
  if (self->fail_source == 0)
    self->fail_source = bt_watch_idle(on_fail, self);
}

/* For good; nothing is started again. */
static void
end(Peer *self, const char *why)
{
  g_autofree char *note =
    g_strdup_printf(_("buntime-resolver %s; names are not looked up any more"), why);

  bt_watch_clear(&self->source);
  close(self->fd);
  self->fd = -1;
  bt_helper_clear(&self->helper);
  if (self->explainer != NULL)
    bt_explainer_note(self->explainer, note);
  fail_soon(self);
}

/* ---- answers ---- */

/* Of what a question may be answered with; nobody waits for a cancelled one. */
static gboolean
is_answer(Peer *self, const BtNetMsg *message)
{
  const BtNetMsgAnswer *answer = &message->answer;
  const Lookup *lookup =
    g_hash_table_lookup(self->lookups, GUINT_TO_POINTER(message->header.id));

  if (message->header.kind != BT_NET_MSG_ANSWER || answer->n_rules > 0 || answer->name[0] != '\0')
    return FALSE;
  for (guint i = 0; i < answer->n_addrs && lookup != NULL && !lookup->ipv6; i++)
    if (!bt_addr_is_ipv4(&answer->addrs[i]))
      return FALSE;
  return TRUE;
}

static BtLookupResult
result_of(const BtNetMsgAnswer *answer)
{
  switch (answer->rcode) {
  case 0:
    return answer->n_addrs > 0 ? BT_LOOKUP_FOUND : BT_LOOKUP_NO_DATA;
  case 3:
    return BT_LOOKUP_NO_NAME;
  default:
    return BT_LOOKUP_FAILED;
  }
}

static void
on_answer(Peer *self, const BtNetMsgAnswer *answer)
{
  gpointer key = GUINT_TO_POINTER(answer->header.id);
  g_autofree Lookup *lookup = g_hash_table_lookup(self->lookups, key);

  if (lookup == NULL)
    return; /* cancelled */
  g_hash_table_steal(self->lookups, key);
  lookup->done(lookup->data, result_of(answer), answer->addrs, answer->n_addrs);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  Peer *self = data;
  union {
    guint64 align;
    guint8 bytes[sizeof(BtNetMsg) + 1];
  } buffer;

  for (int i = 0; i < BATCH && self->fd >= 0; i++) {
    const guint8 *unused;
    BtNetMsg message;
    /* recv(), not recvmsg(): descriptors that come along are dropped by the kernel. */
    gssize got = recv(fd, buffer.bytes, sizeof buffer.bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
      break;
    if (got <= 0)
      end(self, _("ended unexpectedly"));
    else if (!bt_net_msg_parse(buffer.bytes, got, &message, &unused) || !is_answer(self, &message))
      end(self, _("was ended, because it did not keep to the protocol"));
    else
      on_answer(self, &message.answer);
  }
  return self->fd >= 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* ---- questions ---- */

static gpointer
start(BtResolver *base, const char *name, gboolean ipv6, BtLookupDone done, gpointer data)
{
  Peer *self = (Peer *)base;
  Lookup *lookup = g_new(Lookup, 1);
  BtNetMsgResolve question = {
    .header.kind = BT_NET_MSG_RESOLVE,
    .type = ipv6 ? BT_DNS_TYPE_AAAA : BT_DNS_TYPE_A,
  };

  *lookup = (Lookup){ .id = ++self->last_id, .ipv6 = ipv6, .done = done, .data = data };
  g_hash_table_insert(self->lookups, GUINT_TO_POINTER(lookup->id), lookup);
  question.header.id = lookup->id;
  g_strlcpy(question.name, name, sizeof question.name);
  if (self->fd < 0)
    fail_soon(self);
  else if (send(self->fd, &question, sizeof question, MSG_NOSIGNAL | MSG_DONTWAIT) !=
           sizeof question)
    /* Its end may show here before the main loop sees the hang-up: it is told as one. */
    end(self, errno == EPIPE || errno == ECONNRESET ? _("ended unexpectedly")
                                                    : _("does not take questions"));
  return lookup;
}

static void
cancel(BtResolver *base, gpointer data)
{
  const Lookup *lookup = data;
  g_hash_table_remove(((Peer *)base)->lookups, GUINT_TO_POINTER(lookup->id));
}

/* ---- life ---- */

static void
peer_free(BtResolver *base)
{
  Peer *self = (Peer *)base;

  bt_watch_clear(&self->source);
  bt_watch_clear(&self->fail_source);
  if (self->fd >= 0)
    close(self->fd);
  bt_helper_clear(&self->helper);
  g_hash_table_unref(self->lookups);
  g_free(self);
}

BtResolver *
bt_resolver_new_for_fd(int fd, BtExplainer *explainer)
{
  Peer *self = g_new0(Peer, 1);

  self->base = (BtResolver){ .start = start, .cancel = cancel, .free = peer_free };
  self->explainer = explainer;
  self->helper = BT_HELPER_INIT;
  self->fd = fd;
  self->lookups = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  self->source = bt_watch_fd(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, self);
  return &self->base;
}

BtResolver *
bt_resolver_new(BtExplainer *explainer, GError **error)
{
  const char *options = g_getenv("RES_OPTIONS");
  g_autofree char *variable = options != NULL ? g_strconcat("RES_OPTIONS=", options, NULL) : NULL;
  const char *const environment[] = { variable, NULL };
  BtHelper helper;
  int pair[2];

  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    bt_fail(error, BUNTIME_ERROR_SETUP, "buntime-resolver", g_strerror(errno), NULL);
    return NULL;
  }
  gboolean ok = bt_spawn_helper("buntime-resolver", pair[1], environment, &helper, error);
  close(pair[1]);
  if (!ok) {
    close(pair[0]);
    return NULL;
  }
  BtResolver *resolver = bt_resolver_new_for_fd(pair[0], explainer);
  ((Peer *)resolver)->helper = helper;
  return resolver;
}
