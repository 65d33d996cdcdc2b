/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --publish is written like. */
#include <glib.h>
#include <string.h>

#include "lib/bt-publish.h"

static const struct {
  const char *text;
  const char *outside; /* NULL: an error */
  guint inner;
} cases[] = {
  { "8080", "127.0.0.1:8080", 8080 },
  { "8080:80", "127.0.0.1:8080", 80 },
  { "1:65535", "127.0.0.1:1", 65535 },
  { "0.0.0.0:8080:80", "0.0.0.0:8080", 80 },
  { "192.0.2.1:8080", "192.0.2.1:8080", 8080 },
  { "[::1]:8080:80", "[::1]:8080", 80 },
  { "[::]:8080", "[::]:8080", 8080 },
  { "", NULL, 0 },
  { ":", NULL, 0 },
  { "0", NULL, 0 },
  { "65536", NULL, 0 },
  { "-1", NULL, 0 },
  { "+1", NULL, 0 },
  { " 80", NULL, 0 },
  { "0x50", NULL, 0 },
  { "80:", NULL, 0 },
  { ":80", NULL, 0 },
  { "80:80:80", NULL, 0 },
  { "127.0.0.1", NULL, 0 },
  { "127.0.0.1:", NULL, 0 },
  { "127.0.0.1:1:2:3", NULL, 0 },
  { "127.1:80", NULL, 0 },
  { "127.0.0.01:80", NULL, 0 },
  { "localhost:80", NULL, 0 },
  { "example.com:80", NULL, 0 },
  { "::1:80", NULL, 0 },
  { "[::1]", NULL, 0 },
  { "[::1]80", NULL, 0 },
  { "[::1", NULL, 0 },
  { "[]:80", NULL, 0 },
  { "[::1%lo]:80", NULL, 0 },
  { "[127.0.0.1]:80", NULL, 0 },
  { "[::ffff:127.0.0.1]:80", NULL, 0 },
  { "80/udp", NULL, 0 },
  { "80,81", NULL, 0 },
  { "0000000000000000000000000000000000000000000000000000000000000000080", NULL, 0 },
};

static void
test_parse(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BtPublished) published = bt_published_parse(cases[i].text, &error);
    g_autofree char *outside = published != NULL ? bt_published_format(published) : NULL;
    if (g_strcmp0(outside, cases[i].outside) != 0 || (published == NULL) != (error != NULL) ||
        (published != NULL && published->inner != cases[i].inner))
      g_error("%s: %s", cases[i].text, outside);
    if (error != NULL)
      g_assert_nonnull(strstr(error->message, cases[i].text));
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/published/parse", test_parse);
  return g_test_run();
}
