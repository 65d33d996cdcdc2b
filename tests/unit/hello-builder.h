/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ClientHellos for tests, right in everything that a test does not make wrong. */

#include <glib.h>
#include <string.h>

static inline void
put_size(GByteArray *bytes, gsize size, guint width)
{
  while (width-- > 0) {
    guint8 byte = (guint8)(size >> 8 * width);
    g_byte_array_append(bytes, &byte, 1);
  }
}

static inline void
put_text(GByteArray *bytes, const void *text, gsize size)
{
  g_byte_array_append(bytes, text, (guint)size);
}

static inline void
put_extension(GByteArray *extensions, guint type, const void *data, gsize size)
{
  put_size(extensions, type, 2);
  put_size(extensions, size, 2);
  put_text(extensions, data, size);
}

static inline void
put_server_name(GByteArray *extensions, const char *name)
{
  gsize size = strlen(name);

  put_size(extensions, 0, 2);
  put_size(extensions, size + 5, 2);
  put_size(extensions, size + 3, 2);
  put_size(extensions, 0, 1);
  put_size(extensions, size, 2);
  put_text(extensions, name, size);
}

/* The handshake message; extensions may be NULL. */
static inline GByteArray *
make_message(const GByteArray *extensions)
{
  GByteArray *body = g_byte_array_new(), *message = g_byte_array_new();

  put_size(body, 0x0303, 2);
  for (guint i = 0; i < 32; i++)
    put_size(body, i, 1);
  put_size(body, 4, 1);
  put_text(body, "sess", 4);
  put_size(body, 4, 2);
  put_size(body, 0x13011302, 4);
  put_size(body, 0x0100, 2);
  if (extensions != NULL) {
    put_size(body, extensions->len, 2);
    put_text(body, extensions->data, extensions->len);
  }
  put_size(message, 1, 1);
  put_size(message, body->len, 3);
  put_text(message, body->data, body->len);
  g_byte_array_unref(body);
  return message;
}

static inline void
put_record(GByteArray *stream, guint type, const void *data, gsize size)
{
  put_size(stream, type, 1);
  put_size(stream, 0x0301, 2);
  put_size(stream, size, 2);
  put_text(stream, data, size);
}

/* In records of at most piece bytes. */
static inline GByteArray *
make_stream(const GByteArray *message, gsize piece)
{
  GByteArray *stream = g_byte_array_new();

  for (gsize at = 0; at < message->len; at += piece)
    put_record(stream, 22, message->data + at, MIN(piece, message->len - at));
  return stream;
}

/* A ClientHello for a name, with others' extensions around it. */
static inline GByteArray *
make_hello(const char *name, gsize piece)
{
  g_autoptr(GByteArray) extensions = g_byte_array_new();

  put_extension(extensions, 0x2a2a, "", 0);
  if (name != NULL)
    put_server_name(extensions, name);
  put_extension(extensions, 16, "\0\3\2h2", 5);
  g_autoptr(GByteArray) message = make_message(extensions);
  return make_stream(message, piece);
}
