/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-hosts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES (4u << 20) /* ad-blocking lists are long */

/* The next word of a line, or FALSE at its end or at a comment. */
static gboolean
next_word(const char **cursor, const char *end, const char **word_out, gsize *length_out)
{
  const char *p = *cursor;
  while (p < end && g_ascii_isspace(*p))
    p++;
  const char *word = p;
  while (p < end && !g_ascii_isspace(*p) && *p != '#')
    p++;
  *cursor = p;
  *word_out = word;
  *length_out = p - word;
  return p > word;
}

static gboolean
parse_address(const char *word, gsize length, gboolean ipv6, BtAddr *addr_out)
{
  char text[BT_ADDR_TEXT_SIZE];
  if (length >= sizeof text)
    return FALSE;
  memcpy(text, word, length);
  text[length] = '\0';
  return bt_addr_parse(text, addr_out) && (ipv6 || bt_addr_is_ipv4(addr_out));
}

guint
bt_hosts_parse(const char *text, gsize length, const char *name, gboolean ipv6,
               BtAddr *addrs_out, guint max_addrs)
{
  const char *end = text + length;
  gsize name_length = strlen(name);
  guint n_addrs = 0;

  for (const char *line = text; line < end && n_addrs < max_addrs;) {
    const char *newline = memchr(line, '\n', end - line);
    const char *stop = newline != NULL ? newline : end;
    const char *word, *address;
    gsize word_length, address_length;
    gboolean named = FALSE;

    if (next_word(&line, stop, &address, &address_length))
      while (!named && next_word(&line, stop, &word, &word_length))
        named = word_length == name_length && g_ascii_strncasecmp(word, name, name_length) == 0;
    if (named && parse_address(address, address_length, ipv6, &addrs_out[n_addrs]))
      n_addrs++;
    line = newline != NULL ? newline + 1 : end;
  }
  return n_addrs;
}

guint
bt_hosts_lookup(const char *path, const char *name, gboolean ipv6, BtAddr *addrs_out,
                guint max_addrs)
{
  struct stat info;
  gsize have = 0;
  gssize got;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0)
    return 0;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0) {
    close(fd);
    return 0;
  }
  gsize room = MIN((gsize)info.st_size, MAX_BYTES);
  g_autofree char *text = g_malloc(room);
  while (have < room && (got = read(fd, text + have, room - have)) > 0)
    have += got;
  close(fd);
  return bt_hosts_parse(text, have, name, ipv6, addrs_out, max_addrs);
}
