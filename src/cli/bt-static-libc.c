/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A part of the static program only: what GLib could call of the C library
 * that would load shared objects of the host's into a program which has none
 * (NSS modules for a user's record, gconv modules for a character set).  The
 * definitions here take the place of the C library's.
 */
#include <errno.h>
#include <iconv.h>
#include <pwd.h>
#include <string.h>

/* ---- users: see src/lib/bt-account.h ---- */

struct passwd *
getpwuid(uid_t uid)
{
  errno = ENOENT;
  return NULL;
}

int
getpwuid_r(uid_t uid, struct passwd *record, char *buffer, size_t size, struct passwd **result_out)
{
  *result_out = NULL;
  return ENOENT;
}

int
getpwnam_r(const char *name, struct passwd *record, char *buffer, size_t size,
           struct passwd **result_out)
{
  *result_out = NULL;
  return ENOENT;
}

/* ---- character sets: main() chose UTF-8 for all texts, so they stay as they are ---- */

iconv_t
iconv_open(const char *to, const char *from)
{
  static char only;
  return &only;
}

size_t
iconv(iconv_t converter, char **restrict in, size_t *restrict in_left, char **restrict out,
      size_t *restrict out_left)
{
  if (in == NULL || *in == NULL)
    return 0;
  size_t size = *in_left < *out_left ? *in_left : *out_left;
  memcpy(*out, *in, size);
  *in += size;
  *in_left -= size;
  *out += size;
  *out_left -= size;
  if (*in_left == 0)
    return 0;
  errno = E2BIG;
  return (size_t)-1;
}

int
iconv_close(iconv_t converter)
{
  return 0;
}
