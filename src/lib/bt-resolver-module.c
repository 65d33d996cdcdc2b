/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The module buntime-resolver: names by GResolver, that is, as the host's
 * nsswitch.conf says, in GIO's threads.
 */
#include <gio/gio.h>

#include "lib/bt-resolver.h"
#include "wire/bt-net-msg.h"

typedef struct {
  GCancellable *cancellable;
  BtLookupDone done; /* NULL once cancelled */
  gpointer data;
} Lookup;

static void
lookup_free(Lookup *lookup)
{
  g_object_unref(lookup->cancellable);
  g_free(lookup);
}

/*
 * GLib has one code for a name that is not there and for one without IPv4
 * addresses. NXDOMAIN is the answer a worker can do the least wrong with.
 */
static BtLookupResult
result_of_error(const GError *error)
{
  return g_error_matches(error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND) ? BT_LOOKUP_NO_NAME
                                                                              : BT_LOOKUP_FAILED;
}

static void
on_result(GObject *resolver, GAsyncResult *result, gpointer data)
{
  Lookup *lookup = data;
  g_autoptr(GError) error = NULL;
  BtAddr addrs[BT_NET_MSG_MAX_ADDRS];
  guint n_addrs = 0;
  GList *found =
    g_resolver_lookup_by_name_with_flags_finish(G_RESOLVER(resolver), result, &error);

  for (GList *item = found; item != NULL && n_addrs < G_N_ELEMENTS(addrs); item = item->next) {
    if (g_inet_address_get_family(item->data) != G_SOCKET_FAMILY_IPV4)
      continue;
    guint32 ipv4;
    memcpy(&ipv4, g_inet_address_to_bytes(item->data), sizeof ipv4);
    addrs[n_addrs++] = bt_addr_from_ipv4(ipv4);
  }
  g_resolver_free_addresses(found);
  if (lookup->done != NULL)
    lookup->done(lookup->data,
                 error != NULL  ? result_of_error(error)
                 : n_addrs == 0 ? BT_LOOKUP_NO_DATA
                                : BT_LOOKUP_FOUND,
                 addrs, n_addrs);
  lookup_free(lookup);
}

static gpointer
start(const char *name, BtLookupDone done, gpointer data)
{
  g_autoptr(GResolver) resolver = g_resolver_get_default();
  /* The last dot keeps the host's search list out of it. */
  g_autofree char *absolute = g_strconcat(name, ".", NULL);
  Lookup *lookup = g_new0(Lookup, 1);

  lookup->cancellable = g_cancellable_new();
  lookup->done = done;
  lookup->data = data;
  g_resolver_lookup_by_name_with_flags_async(resolver, absolute,
                                             G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY,
                                             lookup->cancellable, on_result, lookup);
  return lookup;
}

/* The struct goes when GIO comes back with it, if the main context still runs then. */
static void
cancel(gpointer data)
{
  Lookup *lookup = data;
  lookup->done = NULL;
  g_cancellable_cancel(lookup->cancellable);
}

G_MODULE_EXPORT const BtResolver bt_resolver = { .start = start, .cancel = cancel };
