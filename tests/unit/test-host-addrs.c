/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In a network namespace of its own, where the test may give itself addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-host-addrs.h"

typedef struct {
  guint calls;
  gboolean lost;
  GString *addrs; /* "127.0.0.1 ::1 " */
} Seen;

static void
on_addrs(gpointer data, const BtAddr *addrs, guint n_addrs)
{
  Seen *seen = data;
  char text[BT_ADDR_TEXT_SIZE];

  seen->calls++;
  seen->lost = addrs == NULL;
  g_string_truncate(seen->addrs, 0);
  for (guint i = 0; i < n_addrs; i++)
    g_string_append_printf(seen->addrs, "%s ", bt_addr_format(&addrs[i], text));
}

static void
lo_request(unsigned long request, const char *name, const char *address)
{
  struct ifreq interface = { 0 };
  struct sockaddr_in *in = (struct sockaddr_in *)&interface.ifr_addr;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint(fd, >=, 0);
  g_strlcpy(interface.ifr_name, name, sizeof interface.ifr_name);
  if (address != NULL) {
    in->sin_family = AF_INET;
    g_assert_cmpint(inet_pton(AF_INET, address, &in->sin_addr), ==, 1);
  } else {
    interface.ifr_flags = IFF_UP;
  }
  g_assert_no_errno(ioctl(fd, request, &interface));
  close(fd);
}

static gboolean
on_timeout(gpointer data)
{
  g_error("no change was told");
  return G_SOURCE_REMOVE;
}

static void
wait_for(Seen *seen, const char *address)
{
  guint timeout = g_timeout_add_seconds(10, on_timeout, NULL);
  while (strstr(seen->addrs->str, address) == NULL)
    g_main_context_iteration(NULL, TRUE);
  g_source_remove(timeout);
}

static void
test_follow(void)
{
  Seen seen = { .addrs = g_string_new(NULL) };
  g_autoptr(GError) error = NULL;

  g_assert_no_errno(unshare(CLONE_NEWUSER | CLONE_NEWNET));
  lo_request(SIOCSIFFLAGS, "lo", NULL);
  BtHostAddrs *addrs = bt_host_addrs_new(on_addrs, &seen, &error);
  g_assert_no_error(error);
  g_assert_nonnull(addrs);
  g_assert_cmpuint(seen.calls, ==, 1);
  g_assert_nonnull(strstr(seen.addrs->str, "127.0.0.1 "));
  lo_request(SIOCSIFADDR, "lo:1", "203.0.113.7");
  wait_for(&seen, "203.0.113.7 ");
  g_assert_nonnull(strstr(seen.addrs->str, "127.0.0.1 "));
  /* More than one datagram of the kernel's, and each address once. */
  for (int i = 2; i < 250; i++) {
    g_autofree char *name = g_strdup_printf("lo:%d", i);
    g_autofree char *address = g_strdup_printf("198.51.100.%d", i);
    lo_request(SIOCSIFADDR, name, address);
  }
  wait_for(&seen, "198.51.100.249 ");
  for (int i = 2; i < 250; i++) {
    g_autofree char *address = g_strdup_printf("198.51.100.%d ", i);
    const char *first = strstr(seen.addrs->str, address);
    g_assert_nonnull(first);
    g_assert_null(strstr(first + 1, address));
  }
  g_assert_false(seen.lost);

  /* Without a descriptor to ask by, the list is not known any more. */
  struct rlimit before, none;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq interface = { .ifr_name = "lo:250" };
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = inet_addr("203.0.113.8") };
  memcpy(&interface.ifr_addr, &in, sizeof in);
  g_assert_no_errno(getrlimit(RLIMIT_NOFILE, &before));
  int next = dup(fd); /* the lowest free number: all below are in use */
  close(next);
  none = (struct rlimit){ .rlim_cur = next, .rlim_max = before.rlim_max };
  g_assert_no_errno(ioctl(fd, SIOCSIFADDR, &interface));
  guint timeout = g_timeout_add_seconds(10, on_timeout, NULL);
  g_assert_no_errno(setrlimit(RLIMIT_NOFILE, &none));
  for (guint i = 0; i < 64 && !seen.lost; i++)
    g_main_context_iteration(NULL, TRUE);
  g_assert_no_errno(setrlimit(RLIMIT_NOFILE, &before));
  g_source_remove(timeout);
  g_assert_true(seen.lost);
  close(fd);
  bt_host_addrs_free(addrs);
  g_string_free(seen.addrs, TRUE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/host-addrs/follow", test_follow);
  return g_test_run();
}
