/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-resolver: names by GResolver, that is, as the host's nsswitch.conf
 * says, in GIO's threads; but for those that no name server may see (buntime-resolver-mdns.c).
 *
 *   descriptor 3 ... one datagram a question (BtNetMsgResolve) and, in whatever
 *                    order they come, one an answer (BtNetMsgAnswer) with its id
 *
 * A asks for IPv4 addresses, AAAA for those of both kinds at once, so that a name
 * that is not there is told from one that has none of a kind.
 *
 * A process of its own for two reasons.  NSS modules and GIO are shared
 * libraries, which the static supervisor cannot load, and they parse what name
 * servers send, of which a hostile one may own the granted name: what is taken
 * over by an answer is this process, which decides nothing and holds nothing
 * but that socket.  The supervisor reads its answers as untrusted bytes, and
 * closes the ranges that no name may lead to whatever they say.
 *
 * It ends when the socket hangs up, also where the supervisor was killed, and
 * does not wait for a lookup then.
 *
 * Of the user's environment it has RES_OPTIONS alone (timeouts, use-vc: what a
 * network may need to be asked at all).  LOCALDOMAIN and HOSTALIASES change
 * only names that are not absolute, and other variables make libraries load
 * code.
 */
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buntime-resolver-mdns.h"
#include "lib/bt-resolver.h"
#include "wire/bt-net-msg.h"

enum { RCODE_NOERROR = 0, RCODE_SERVFAIL = 2, RCODE_NXDOMAIN = 3 };

/*
 * GLib has one code for a name that is not there and for one without any
 * address. NXDOMAIN is the answer a worker can do the least wrong with.
 */
static guint32
rcode_of_error(const GError *error)
{
  return g_error_matches(error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND) ? RCODE_NXDOMAIN
                                                                              : RCODE_SERVFAIL;
}

/* Neither kind crowds the other out: where both are there, each gets half the room. */
static void
copy_addresses(GList *found, BtNetMsgAnswer *answer)
{
  guint room[2] = { BT_NET_MSG_MAX_ADDRS, BT_NET_MSG_MAX_ADDRS }, seen[2] = { 0, 0 };

  for (GList *item = found; item != NULL; item = item->next)
    seen[g_inet_address_get_family(item->data) == G_SOCKET_FAMILY_IPV6]++;
  if (seen[0] > 0 && seen[1] > 0)
    room[0] = room[1] = BT_NET_MSG_MAX_ADDRS / 2;
  for (GList *item = found; item != NULL; item = item->next) {
    gboolean ipv6 = g_inet_address_get_family(item->data) == G_SOCKET_FAMILY_IPV6;
    const guint8 *bytes = g_inet_address_to_bytes(item->data);
    BtAddr *addr = &answer->addrs[answer->n_addrs];
    guint32 ipv4;

    if (room[ipv6] == 0)
      continue;
    room[ipv6]--;
    answer->n_addrs++;
    if (ipv6) {
      memcpy(addr->bytes, bytes, sizeof addr->bytes);
    } else {
      memcpy(&ipv4, bytes, sizeof ipv4);
      *addr = bt_addr_from_ipv4(ipv4);
    }
  }
}

/* The supervisor has few questions open, and takes their answers. */
static void
send_answer(const BtNetMsgAnswer *answer)
{
  if (send(BT_RESOLVER_FD, answer, sizeof *answer, MSG_NOSIGNAL) != sizeof *answer)
    _exit(1);
}

static void
on_result(GObject *resolver, GAsyncResult *result, gpointer data)
{
  BtNetMsgAnswer answer = {
    .header = { .kind = BT_NET_MSG_ANSWER, .id = GPOINTER_TO_UINT(data) },
  };
  g_autoptr(GError) error = NULL;
  GList *found =
    g_resolver_lookup_by_name_with_flags_finish(G_RESOLVER(resolver), result, &error);

  copy_addresses(found, &answer);
  g_resolver_free_addresses(found);
  answer.rcode = error != NULL ? rcode_of_error(error) : RCODE_NOERROR;
  send_answer(&answer);
}

static void
on_local(gpointer data, BtMdnsResult result, const BtAddr *addr)
{
  BtNetMsgAnswer answer = {
    .header = { .kind = BT_NET_MSG_ANSWER, .id = GPOINTER_TO_UINT(data) },
    .rcode = result == BT_MDNS_FOUND     ? RCODE_NOERROR
             : result == BT_MDNS_NO_NAME ? RCODE_NXDOMAIN
                                         : RCODE_SERVFAIL,
  };

  if (addr != NULL)
    answer.addrs[answer.n_addrs++] = *addr;
  send_answer(&answer);
}

static void
ask_name_servers(const BtNetMsgResolve *question)
{
  g_autoptr(GResolver) resolver = g_resolver_get_default();
  /* The last dot keeps the host's search list out of it. */
  g_autofree char *absolute = g_strconcat(question->name, ".", NULL);

  g_resolver_lookup_by_name_with_flags_async(resolver, absolute,
                                             question->type == BT_DNS_TYPE_A
                                               ? G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY
                                               : G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT,
                                             NULL, on_result, GUINT_TO_POINTER(question->header.id));
}

static void
look_up(const BtNetMsgResolve *question, const char *mdns_socket)
{
  gpointer id = GUINT_TO_POINTER(question->header.id);

  switch (bt_name_space_of(question->name)) {
  case BT_NAME_DNS:
    ask_name_servers(question);
    break;
  case BT_NAME_LOCAL:
    bt_mdns_look_up(mdns_socket, question->name, on_local, id);
    break;
  case BT_NAME_NOWHERE:
    on_local(id, BT_MDNS_NO_NAME, NULL);
    break;
  }
}

static gboolean
on_question(int fd, GIOCondition condition, gpointer data)
{
  union {
    guint64 align;
    guint8 bytes[sizeof(BtNetMsg) + 1];
  } buffer;
  const guint8 *unused;
  BtNetMsg message;

  gssize got = recv(fd, buffer.bytes, sizeof buffer.bytes, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (got <= 0)
    _exit(0);
  if (!bt_net_msg_parse(buffer.bytes, got, &message, &unused) ||
      message.header.kind != BT_NET_MSG_RESOLVE || message.resolve.type == BT_DNS_TYPE_PTR)
    _exit(1);
  look_up(&message.resolve, data);
  return G_SOURCE_CONTINUE;
}

/* An argument is for tests: where the mDNS daemon listens. */
int
main(int argc, char **argv)
{
  gpointer mdns_socket = argc > 1 ? argv[1] : (char *)BT_MDNS_SOCKET;

  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return 1;
  g_unix_fd_add(BT_RESOLVER_FD, G_IO_IN | G_IO_HUP | G_IO_ERR, on_question, mdns_socket);
  g_main_loop_run(g_main_loop_new(NULL, FALSE));
  return 0;
}
