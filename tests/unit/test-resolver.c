/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's side against a peer that says anything, and the real buntime-resolver. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bt-resolver.h"
#include "wire/bt-net-msg.h"

enum { NOTHING = -1 }; /* no result: the lookup still waits */

typedef struct {
  BtResolver *resolver;
  int peer; /* buntime-resolver's end */
} Fixture;

typedef struct {
  int result; /* BtLookupResult or NOTHING */
  guint n_addrs;
  BtAddr first;
} Found;

static void
set_up(Fixture *fixture)
{
  int pair[2];
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  fixture->resolver = bt_resolver_new_for_fd(pair[0], NULL);
  fixture->peer = pair[1];
}

static void
tear_down(Fixture *fixture)
{
  fixture->resolver->free(fixture->resolver);
  if (fixture->peer >= 0)
    close(fixture->peer);
}

static void
on_done(gpointer data, BtLookupResult result, const BtAddr *addrs, guint n_addrs)
{
  Found *found = data;
  g_assert_cmpint(found->result, ==, NOTHING);
  *found = (Found){ .result = (int)result, .n_addrs = n_addrs };
  if (n_addrs > 0)
    found->first = addrs[0];
}

static void
run_loop(void)
{
  while (g_main_context_iteration(NULL, FALSE))
    ;
}

/* The question that arrived at the peer; its id. */
static guint32
take_question(Fixture *fixture, const char *name)
{
  BtNetMsg message;
  const guint8 *unused;
  guint8 bytes[sizeof message] __attribute__((aligned(8)));
  gssize got = recv(fixture->peer, bytes, sizeof bytes, MSG_DONTWAIT);

  g_assert_cmpint(got, >, 0);
  g_assert_true(bt_net_msg_parse(bytes, got, &message, &unused));
  g_assert_cmpint(message.header.kind, ==, BT_NET_MSG_RESOLVE);
  g_assert_cmpstr(message.resolve.name, ==, name);
  return message.header.id;
}

static BtNetMsgAnswer
answer_with(guint32 id, guint32 rcode, guint32 n_addrs, const char *addr)
{
  BtNetMsgAnswer answer = {
    .header = { .kind = BT_NET_MSG_ANSWER, .id = id },
    .rcode = rcode,
    .n_addrs = n_addrs,
  };
  for (guint i = 0; i < MIN(n_addrs, BT_NET_MSG_MAX_ADDRS); i++)
    g_assert_true(bt_addr_parse(addr, &answer.addrs[i]));
  return answer;
}

static void
reply(Fixture *fixture, const BtNetMsgAnswer *answer, gsize size)
{
  g_assert_cmpint(send(fixture->peer, answer, size, MSG_NOSIGNAL), ==, size);
  run_loop();
}

/* ---- answers ---- */

static void
test_answers(void)
{
  static const struct {
    guint32 rcode, n_addrs;
    const char *addr;
    BtLookupResult result;
  } table[] = {
    { 0, 1, "192.0.2.1", BT_LOOKUP_FOUND },
    { 0, BT_NET_MSG_MAX_ADDRS, "192.0.2.1", BT_LOOKUP_FOUND },
    { 0, 0, NULL, BT_LOOKUP_NO_DATA },
    { 3, 0, NULL, BT_LOOKUP_NO_NAME },
    { 2, 0, NULL, BT_LOOKUP_FAILED },
  };
  Fixture fixture;

  set_up(&fixture);
  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    Found found = { .result = NOTHING };
    fixture.resolver->start(fixture.resolver, "a.example", FALSE, on_done, &found);
    run_loop();
    g_assert_cmpint(found.result, ==, NOTHING);
    BtNetMsgAnswer answer = answer_with(take_question(&fixture, "a.example"), table[i].rcode,
                                        table[i].n_addrs, table[i].addr);
    reply(&fixture, &answer, sizeof answer);
    g_assert_cmpint(found.result, ==, table[i].result);
    g_assert_cmpuint(found.n_addrs, ==, table[i].n_addrs);
  }
  tear_down(&fixture);
}

/* In any order, and one that nobody waits for any more. */
static void
test_order(void)
{
  Found found[3] = { { .result = NOTHING }, { .result = NOTHING }, { .result = NOTHING } };
  gpointer lookups[3];
  guint32 ids[3];
  Fixture fixture;

  set_up(&fixture);
  for (guint i = 0; i < 3; i++)
    lookups[i] = fixture.resolver->start(fixture.resolver, "a.example", FALSE, on_done, &found[i]);
  for (guint i = 0; i < 3; i++)
    ids[i] = take_question(&fixture, "a.example");
  fixture.resolver->cancel(fixture.resolver, lookups[1]);
  for (guint i = 3; i-- > 0;) {
    BtNetMsgAnswer answer = answer_with(ids[i], 0, i + 1, "192.0.2.1");
    reply(&fixture, &answer, sizeof answer);
    /* A second one has nobody to go to. */
    reply(&fixture, &answer, sizeof answer);
  }
  g_assert_cmpuint(found[0].n_addrs, ==, 1);
  g_assert_cmpint(found[1].result, ==, NOTHING);
  g_assert_cmpuint(found[2].n_addrs, ==, 3);
  tear_down(&fixture);
}

/* Asked for both kinds of address, it may answer with both. */
static void
test_ipv6(void)
{
  Found found = { .result = NOTHING };
  char text[BT_ADDR_TEXT_SIZE];
  Fixture fixture;

  set_up(&fixture);
  fixture.resolver->start(fixture.resolver, "a.example", TRUE, on_done, &found);
  BtNetMsgAnswer answer =
    answer_with(take_question(&fixture, "a.example"), 0, 2, "2001:db8::1");
  g_assert_true(bt_addr_parse("192.0.2.1", &answer.addrs[1]));
  reply(&fixture, &answer, sizeof answer);
  g_assert_cmpint(found.result, ==, BT_LOOKUP_FOUND);
  g_assert_cmpuint(found.n_addrs, ==, 2);
  g_assert_cmpstr(bt_addr_format(&found.first, text), ==, "2001:db8::1");
  tear_down(&fixture);
}

/* ---- what it must not say ---- */

typedef enum { HANG_UP, SHORT, LONG, KIND, RCODE, MANY, RULES, NAME, IPV6, CASES } Case;

/* Makes an answer one that may not be; its size. */
static gsize
spoil(Case kind, BtNetMsgAnswer *answer)
{
  switch (kind) {
  case SHORT:
    return sizeof *answer - 1;
  case LONG:
    return sizeof *answer + 1;
  case KIND:
    answer->header.kind = BT_NET_MSG_RESOLVE;
    return sizeof(BtNetMsgResolve);
  case RCODE:
    answer->rcode = 5;
    break;
  case MANY:
    answer->n_addrs = BT_NET_MSG_MAX_ADDRS + 1;
    break;
  case RULES:
    answer->n_rules = 1;
    break;
  case NAME:
    strcpy(answer->name, "b.example");
    break;
  case IPV6:
    g_assert_true(bt_addr_parse("2001:db8::1", &answer->addrs[0]));
    break;
  case HANG_UP:
  case CASES:
    break;
  }
  return sizeof *answer;
}

/* Whoever breaks the protocol is not asked again; what waits fails, later, not within start(). */
static void
test_violation(gconstpointer data)
{
  Case kind = GPOINTER_TO_INT(data);
  Found open[2] = { { .result = NOTHING }, { .result = NOTHING } }, later = { .result = NOTHING };
  struct {
    BtNetMsgAnswer answer;
    guint8 more;
  } message = { .more = 0 };
  Fixture fixture;

  set_up(&fixture);
  for (guint i = 0; i < 2; i++)
    fixture.resolver->start(fixture.resolver, "a.example", FALSE, on_done, &open[i]);
  message.answer = answer_with(take_question(&fixture, "a.example"), 0, 1, "192.0.2.1");
  if (kind == HANG_UP) {
    close(fixture.peer);
    fixture.peer = -1;
    run_loop();
  } else {
    reply(&fixture, &message.answer, spoil(kind, &message.answer));
  }
  for (guint i = 0; i < 2; i++)
    g_assert_cmpint(open[i].result, ==, BT_LOOKUP_FAILED);

  fixture.resolver->start(fixture.resolver, "a.example", FALSE, on_done, &later);
  g_assert_cmpint(later.result, ==, NOTHING);
  run_loop();
  g_assert_cmpint(later.result, ==, BT_LOOKUP_FAILED);
  tear_down(&fixture);
}

/* It hung up, and that is seen while a question is sent. */
static void
test_unsent(void)
{
  Found found = { .result = NOTHING };
  Fixture fixture;

  set_up(&fixture);
  close(fixture.peer);
  fixture.peer = -1;
  fixture.resolver->start(fixture.resolver, "a.example", FALSE, on_done, &found);
  g_assert_cmpint(found.result, ==, NOTHING);
  run_loop();
  g_assert_cmpint(found.result, ==, BT_LOOKUP_FAILED);
  tear_down(&fixture);
}

/* ---- the program ---- */

static void
place_socket(gpointer data)
{
  dup2(GPOINTER_TO_INT(data), BT_RESOLVER_FD);
}

/* mdns_socket may be NULL: the system's. */
static GPid
spawn_program(int fd, char *mdns_socket)
{
  g_autoptr(GError) error = NULL;
  char *argv[] = { (char *)BT_TEST_RESOLVER, mdns_socket, NULL };
  GPid pid;

  g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                place_socket, GINT_TO_POINTER(fd), &pid, &error);
  g_assert_no_error(error);
  return pid;
}

static void
test_program(void)
{
  Found found = { .result = NOTHING };
  char text[BT_ADDR_TEXT_SIZE];
  Fixture fixture;
  int status;

  set_up(&fixture);
  GPid pid = spawn_program(fixture.peer, NULL);
  close(fixture.peer);
  fixture.peer = -1;
  fixture.resolver->start(fixture.resolver, "localhost", FALSE, on_done, &found);
  while (found.result == NOTHING)
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpint(found.result, ==, BT_LOOKUP_FOUND);
  g_assert_cmpstr(bt_addr_format(&found.first, text), ==, "127.0.0.1");
  /* It ends with its socket. */
  tear_down(&fixture);
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A question that is none ends it. */
static void
test_program_refuses(void)
{
  BtNetMsgResolve question = {
    .header = { .kind = BT_NET_MSG_RESOLVE, .id = 1 },
    .type = BT_DNS_TYPE_A,
    .name = "Not A Name",
  };
  int pair[2], status;

  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  GPid pid = spawn_program(pair[1], NULL);
  close(pair[1]);
  g_assert_cmpint(send(pair[0], &question, sizeof question, MSG_NOSIGNAL), ==, sizeof question);
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
  close(pair[0]);
}

/* ---- names of other name spaces: the program, and an mDNS daemon that says anything ---- */

static int
listen_at(const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy(address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint(listen(fd, 4), ==, 0);
  return fd;
}

/* Reads the question of one connection and says reply, which may come in two parts. */
static void
serve_mdns(int listener, const char *reply, gsize first_part)
{
  static const char expected[] = "RESOLVE-HOSTNAME-IPV4 printer.local\n";
  char question[100];
  int fd = accept(listener, NULL, NULL);

  g_assert_cmpint(recv(fd, question, sizeof question, 0), ==, strlen(expected));
  g_assert_cmpint(memcmp(question, expected, strlen(expected)), ==, 0);
  g_assert_cmpint(send(fd, reply, first_part, MSG_NOSIGNAL), ==, first_part);
  g_usleep(2000);
  send(fd, reply + first_part, strlen(reply) - first_part, MSG_NOSIGNAL);
  close(fd);
}

static Found
look_up(Fixture *fixture, const char *name)
{
  Found found = { .result = NOTHING };

  fixture->resolver->start(fixture->resolver, name, FALSE, on_done, &found);
  while (found.result == NOTHING)
    g_main_context_iteration(NULL, TRUE);
  return found;
}

static void
test_mdns(void)
{
  g_autofree char *directory = g_dir_make_tmp("bt-mdns-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(directory, "socket", NULL);
  g_autofree char *endless = g_strnfill(2000, 'x');
  const struct {
    const char *reply;
    gsize first_part;
    BtLookupResult result;
  } table[] = {
    { "+ 2 0 printer.local 192.0.2.9\n", 30, BT_LOOKUP_FOUND },
    { "+ 2 0 printer.local 192.0.2.9\nmore\n", 8, BT_LOOKUP_FOUND },
    { "-15 Timeout reached\n", 5, BT_LOOKUP_NO_NAME },
    { "+ 2 0 printer.local fe80::1\n", 5, BT_LOOKUP_FAILED },
    { "+ 2 0 printer.local 192.0.2.9 more\n", 5, BT_LOOKUP_FAILED },
    { "+ 2 0 printer.local\n", 5, BT_LOOKUP_FAILED },
    { "+ 2 0 printer.local 192.0.2.9", 5, BT_LOOKUP_FAILED },
    { "\n", 0, BT_LOOKUP_FAILED },
    { "", 0, BT_LOOKUP_FAILED },
    { endless, 1, BT_LOOKUP_FAILED },
  };
  static const char *const nowhere[] = { "a.onion", "a.b.invalid", "alt" };
  Fixture fixture;
  int status;

  set_up(&fixture);
  GPid pid = spawn_program(fixture.peer, path);
  close(fixture.peer);
  fixture.peer = -1;
  /* No daemon, no name; and for these none is asked. */
  g_assert_cmpint(look_up(&fixture, "printer.local").result, ==, BT_LOOKUP_NO_NAME);
  int listener = listen_at(path);
  for (gsize i = 0; i < G_N_ELEMENTS(nowhere); i++)
    g_assert_cmpint(look_up(&fixture, nowhere[i]).result, ==, BT_LOOKUP_NO_NAME);
  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    Found found = { .result = NOTHING };
    g_test_message("reply %" G_GSIZE_FORMAT, i);
    fixture.resolver->start(fixture.resolver, "printer.local", i % 2 == 0, on_done, &found);
    serve_mdns(listener, table[i].reply, MIN(table[i].first_part, strlen(table[i].reply)));
    while (found.result == NOTHING)
      g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(found.result, ==, table[i].result);
    g_assert_cmpuint(found.n_addrs, ==, table[i].result == BT_LOOKUP_FOUND);
  }
  close(listener);
  tear_down(&fixture);
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  unlink(path);
  rmdir(directory);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/resolver/answers", test_answers);
  g_test_add_func("/resolver/order", test_order);
  g_test_add_func("/resolver/ipv6", test_ipv6);
  for (Case kind = 0; kind < CASES; kind++) {
    g_autofree char *name = g_strdup_printf("/resolver/violation/%d", kind);
    g_test_add_data_func(name, GINT_TO_POINTER(kind), test_violation);
  }
  g_test_add_func("/resolver/unsent", test_unsent);
  g_test_add_func("/resolver/program", test_program);
  g_test_add_func("/resolver/program-refuses", test_program_refuses);
  g_test_add_func("/resolver/mdns", test_mdns);
  return g_test_run();
}
