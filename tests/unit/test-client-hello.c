/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ClientHello's name: whole, in pieces, and every way in which it is none. */
#include <glib.h>

#include "hello-builder.h"
#include "wire/bt-client-hello.h"
#include "wire/bt-server-first.h"

/* From an exact allocation, so that ASan sees a read past the end. */
static BtHelloResult
feed(BtClientHello *hello, const guint8 *bytes, gsize size, gsize *used_out)
{
  g_autofree guint8 *copy = g_memdup2(bytes, size);
  return bt_client_hello_feed(hello, copy, size, used_out);
}

/* Up to piece bytes a time; *at_out: how many were read. */
static BtHelloResult
feed_pieces(BtClientHello *hello, const guint8 *bytes, gsize size, gsize piece, gsize *at_out)
{
  BtHelloResult result = BT_HELLO_MORE;
  gsize used;

  for (*at_out = 0; *at_out < size && result == BT_HELLO_MORE; *at_out += used) {
    used = bt_client_hello_skip(hello, MIN(piece, size - *at_out));
    if (used == 0)
      result = feed(hello, bytes + *at_out, MIN(piece, size - *at_out), &used);
    g_assert_cmpuint(used, >, 0);
  }
  return result;
}

/* However it is cut, the result and where it came are the same. */
static BtHelloResult
read_stream(const GByteArray *stream, gboolean next, char name_out[BT_HOST_NAME_SIZE])
{
  BtHelloResult first = BT_HELLO_MORE;
  gsize first_at = 0;

  for (gsize piece = MIN(stream->len, 700); piece > 0; piece -= piece > 40 ? piece / 3 : 1) {
    BtClientHello hello;
    gsize at;
    bt_client_hello_init(&hello);
    if (next)
      bt_client_hello_next(&hello);
    BtHelloResult result = feed_pieces(&hello, stream->data, stream->len, piece, &at);
    if (first_at == 0) {
      first = result;
      first_at = at;
      g_strlcpy(name_out, hello.name, BT_HOST_NAME_SIZE);
    }
    g_assert_cmpint(result, ==, first);
    g_assert_cmpuint(at, ==, first_at);
    if (result == BT_HELLO_NAME)
      g_assert_cmpstr(hello.name, ==, name_out);
  }
  return first;
}

static void
assert_read(const GByteArray *stream, BtHelloResult expected, const char *name)
{
  char found[BT_HOST_NAME_SIZE];

  g_assert_cmpint(read_stream(stream, FALSE, found), ==, expected);
  if (name != NULL)
    g_assert_cmpstr(found, ==, name);
}

static void
test_names(void)
{
  static const struct {
    const char *name;
    BtHelloResult result;
    const char *found;
  } cases[] = {
    { "github.com", BT_HELLO_NAME, "github.com" },
    { "GitHub.COM", BT_HELLO_NAME, "github.com" },
    { "github.com.", BT_HELLO_NAME, "github.com" },
    { "xn--bcher-kva.example", BT_HELLO_NAME, "xn--bcher-kva.example" },
    { "192.0.2.1", BT_HELLO_NAME, "192.0.2.1" },
    { NULL, BT_HELLO_NO_NAME, NULL },
    { "", BT_HELLO_MALFORMED, NULL },
    { ".", BT_HELLO_MALFORMED, NULL },
    { "a..b", BT_HELLO_MALFORMED, NULL },
    { ".a", BT_HELLO_MALFORMED, NULL },
    { "a b", BT_HELLO_MALFORMED, NULL },
    { "a\nb", BT_HELLO_MALFORMED, NULL },
    { "b\xc3\xbc" "cher.example", BT_HELLO_MALFORMED, NULL },
    { "*.example", BT_HELLO_MALFORMED, NULL },
    { "evil.example:443", BT_HELLO_MALFORMED, NULL },
  };
  static const gsize pieces[] = { 16384, 100, 7, 1 };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    for (gsize j = 0; j < G_N_ELEMENTS(pieces); j++) {
      g_autoptr(GByteArray) stream = make_hello(cases[i].name, pieces[j]);
      g_test_message("%s in records of %zu", cases[i].name, pieces[j]);
      assert_read(stream, cases[i].result, cases[i].found);
    }
  }
  g_autofree char *label = g_strnfill(63, 'a');
  g_autofree char *longest = g_strjoin(".", label, label, label, label + 2, NULL);
  g_autofree char *longer = g_strconcat(longest, "a", NULL);
  g_autofree char *label64 = g_strnfill(64, 'a');
  g_autoptr(GByteArray) longest_stream = make_hello(longest, 64);
  g_autoptr(GByteArray) longer_stream = make_hello(longer, 64);
  g_autoptr(GByteArray) label_stream = make_hello(label64, 64);
  assert_read(longest_stream, BT_HELLO_NAME, longest);
  assert_read(longer_stream, BT_HELLO_MALFORMED, NULL);
  assert_read(label_stream, BT_HELLO_MALFORMED, NULL);
  /* A NUL in it is no end of it. */
  g_autoptr(GByteArray) nul = make_hello("github.com!evil.example", 16384);
  for (guint i = 0; i < nul->len; i++)
    if (nul->data[i] == '!')
      nul->data[i] = '\0';
  assert_read(nul, BT_HELLO_MALFORMED, NULL);
}

static void
test_prefixes(void)
{
  g_autoptr(GByteArray) stream = make_hello("github.com", 16384);

  for (guint size = 1; size < stream->len; size++) {
    BtClientHello hello;
    gsize used;
    bt_client_hello_init(&hello);
    g_assert_cmpint(feed(&hello, stream->data, size, &used), ==, BT_HELLO_MORE);
    g_assert_cmpuint(used, ==, size);
  }
}

/* What some server might take for another ClientHello than we do. */
static void
test_ambiguous(void)
{
  g_autoptr(GByteArray) twice = g_byte_array_new(), two_names = g_byte_array_new();
  g_autoptr(GByteArray) ech = g_byte_array_new(), hidden = g_byte_array_new();
  char found[BT_HOST_NAME_SIZE];

  put_server_name(twice, "github.com");
  put_server_name(twice, "evil.example");
  put_extension(two_names, 0, "\0\10\0\0\1a\0\0\1b", 10);
  put_extension(ech, 0xfe0d, "xxxx", 4);
  put_server_name(ech, "github.com");
  put_extension(hidden, 0xfe0d, "xxxx", 4);
  const struct {
    const char *what;
    const GByteArray *extensions;
    BtHelloResult result;
  } cases[] = {
    { "no extensions", NULL, BT_HELLO_NO_NAME },
    { "two extensions", twice, BT_HELLO_MALFORMED },
    { "two names", two_names, BT_HELLO_MALFORMED },
    { "ECH with an outer name", ech, BT_HELLO_NAME },
    { "ECH without one", hidden, BT_HELLO_NO_NAME },
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) message = make_message(cases[i].extensions);
    g_autoptr(GByteArray) stream = make_stream(message, 50);
    g_test_message("%s", cases[i].what);
    g_assert_cmpint(read_stream(stream, FALSE, found), ==, cases[i].result);
  }

  g_autoptr(GByteArray) good = make_hello("github.com", 16384);
  g_autoptr(GByteArray) alert = g_byte_array_new(), split = g_byte_array_new();
  g_autoptr(GByteArray) empty = g_byte_array_new(), more = g_byte_array_new();
  put_record(alert, 21, "\1\0", 2);
  put_text(alert, good->data, good->len);
  assert_read(alert, BT_HELLO_MALFORMED, NULL);
  put_record(split, 22, good->data + 5, 20);
  put_record(split, 20, "\1", 1);
  put_record(split, 22, good->data + 25, good->len - 25);
  assert_read(split, BT_HELLO_MALFORMED, NULL);
  put_record(empty, 22, "", 0);
  put_text(empty, good->data, good->len);
  assert_read(empty, BT_HELLO_MALFORMED, NULL);
  put_text(more, good->data, good->len);
  put_text(more, "x", 1);
  more->data[4]++; /* the record is longer than its message */
  assert_read(more, BT_HELLO_MALFORMED, NULL);
}

/* Each length of it too long or too short, each byte of it another: never another name. */
static void
test_mutations(void)
{
  g_autoptr(GByteArray) stream = make_hello("github.com", 16384);
  char found[BT_HOST_NAME_SIZE];

  for (guint i = 0; i < stream->len; i++) {
    guint8 byte = stream->data[i];
    for (guint change = 1; change < 256; change += 2) {
      stream->data[i] = byte ^ (guint8)change;
      BtHelloResult result = read_stream(stream, FALSE, found);
      /* Its last letter may become the root's dot. */
      if (result == BT_HELLO_NAME && strlen(found) < strlen("github.co"))
        g_error("byte %u changed by %u: %s", i, change, found);
    }
    stream->data[i] = byte;
  }
}

static void
test_not_tls(void)
{
  static const struct {
    const char *bytes;
    gsize size;
    BtHelloResult result;
  } cases[] = {
    { "GET / ", 6, BT_HELLO_NOT_TLS },
    /* Minecraft, to a host of 15 letters; lengths of 22 and types, in either order of bytes. */
    { "\x16\x00\xfb\x05\x0fmc", 7, BT_HELLO_NOT_TLS },
    { "\x16\x00\x00\x00\x07\x00", 6, BT_HELLO_NOT_TLS },
    { "\x16\x00\x7f\xff\xff", 5, BT_HELLO_NOT_TLS },
    { "\x15\x00\xfb\x05\x0e", 5, BT_HELLO_NOT_TLS },
    { "\x17\x00\x00\x00\x01", 5, BT_HELLO_NOT_TLS },
    { "\x14\x00\x00\x00\x02", 5, BT_HELLO_NOT_TLS },
    /* TLS to servers that do not look at a record's version. */
    { "\x16\x04\x00\x00\x00", 5, BT_HELLO_MALFORMED },
    { "\x15\x02\x01\x00\x02\x01\x00", 7, BT_HELLO_MALFORMED },
    { "\x14\x02\x01\x00\x01\x01", 6, BT_HELLO_MALFORMED },
    { "\x13\x03", 2, BT_HELLO_NOT_TLS },
    { "\x00\x00\x00\x08\x04\xd2\x16\x2f", 8, BT_HELLO_NOT_TLS }, /* PostgreSQL */
    { "\x15\x03\x01\x00\x02\x01\x00", 7, BT_HELLO_MALFORMED },
    { "\x17\x03\x03\x00\x01x", 6, BT_HELLO_MALFORMED },
    { "\x14\x03\x03\x00\x01\x01", 6, BT_HELLO_MALFORMED },
    { "\x16\x03\x01\x40\x01", 5, BT_HELLO_MALFORMED },  /* a record too long */
    { "\x16\x03\x01\x00\x04\x02", 6, BT_HELLO_MALFORMED }, /* a ServerHello */
    { "\x16\x03\x01\x00\x04\x01\x00\x40\x01", 9, BT_HELLO_OVERSIZED },
    { "\x80\x2e\x01\x03\x01", 5, BT_HELLO_NO_NAME }, /* SSL 2's form */
    { "\x80\x2e\x01\x00\x02", 5, BT_HELLO_NO_NAME },
    { "\x80\x2e\x02", 3, BT_HELLO_NOT_TLS },
    { "\x80\x2e\x01\x07", 4, BT_HELLO_NOT_TLS },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) stream = g_byte_array_new();
    put_text(stream, cases[i].bytes, cases[i].size);
    g_test_message("case %zu", i);
    assert_read(stream, cases[i].result, NULL);
  }
}

/* Servers there are that take a ClientHello in records of any version. */
static void
test_record_version(void)
{
  static const gsize pieces[] = { 1, 5, 16384 };

  for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
    for (guint version = 0; version < 256; version++) {
      g_autoptr(GByteArray) stream = make_hello("github.com", pieces[i]);
      g_test_message("version %u, pieces of %zu", version, pieces[i]);
      stream->data[1] = (guint8)version;
      assert_read(stream, BT_HELLO_NAME, "github.com");
    }
  }
}

/* Behind the first: what is no handshake is passed over, a second ClientHello is read. */
static void
test_next(void)
{
  g_autoptr(GByteArray) stream = g_byte_array_new(), other = g_byte_array_new();
  g_autoptr(GByteArray) hello = make_hello("evil.example", 60);
  char found[BT_HOST_NAME_SIZE];
  guint8 early[3000] = { 22, 3, 1 };

  put_record(stream, 20, "\1", 1);
  put_record(stream, 23, early, sizeof early);
  g_assert_cmpint(read_stream(stream, TRUE, found), ==, BT_HELLO_MORE);
  put_text(stream, hello->data, hello->len);
  g_assert_cmpint(read_stream(stream, TRUE, found), ==, BT_HELLO_NAME);
  g_assert_cmpstr(found, ==, "evil.example");
  put_record(other, 22, "\20\0\0\1x", 5); /* ClientKeyExchange, before there was an answer */
  g_assert_cmpint(read_stream(other, TRUE, found), ==, BT_HELLO_MALFORMED);
  g_byte_array_set_size(other, 0);
  put_text(other, "GET /", 5);
  g_assert_cmpint(read_stream(other, TRUE, found), ==, BT_HELLO_MALFORMED);
}

static BtServerResult
read_server(gboolean tls, const void *bytes, gsize size)
{
  BtServerFirst whole, pieces;
  BtServerResult result = BT_SERVER_MORE;

  bt_server_first_init(&whole, tls);
  bt_server_first_init(&pieces, tls);
  for (gsize i = 0; i < size && result == BT_SERVER_MORE; i++)
    result = bt_server_first_feed(&pieces, (const guint8 *)bytes + i, 1);
  g_assert_cmpint(bt_server_first_feed(&whole, bytes, size), ==, result);
  return result;
}

static void
test_server(void)
{
  /* SHA-256 of "HelloRetryRequest" */
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  g_autoptr(GByteArray) body = g_byte_array_new(), retry = g_byte_array_new();
  g_autoptr(GByteArray) warned = g_byte_array_new();
  guint8 random[32];
  gsize size = sizeof random;

  g_checksum_update(sum, (const guchar *)"HelloRetryRequest", -1);
  g_checksum_get_digest(sum, random, &size);
  put_size(body, 0x02000054, 4);
  put_size(body, 0x0303, 2);
  put_text(body, random, sizeof random);
  put_text(body, "rest", 4);
  put_record(retry, 22, body->data, body->len);
  put_record(warned, 21, "\1\160", 2);
  put_text(warned, retry->data, retry->len);
  g_assert_cmpint(read_server(TRUE, retry->data, retry->len), ==, BT_SERVER_RETRIES);
  g_assert_cmpint(read_server(TRUE, warned->data, warned->len), ==, BT_SERVER_RETRIES);
  for (guint at = 0; at < sizeof random; at++) {
    retry->data[11 + at] ^= 1;
    g_assert_cmpint(read_server(TRUE, retry->data, retry->len), ==, BT_SERVER_GOES_ON);
    retry->data[11 + at] ^= 1;
  }
  g_assert_cmpint(read_server(TRUE, "HTTP/1.1 400 ", 13), ==, BT_SERVER_GOES_ON);
  g_assert_cmpint(read_server(FALSE, "HTTP/1.1 101 x", 14), ==, BT_SERVER_SWITCHES);
  g_assert_cmpint(read_server(FALSE, "HTTP/1.1 200 x", 14), ==, BT_SERVER_GOES_ON);
  g_assert_cmpint(read_server(FALSE, "HTTP/1.1 1", 10), ==, BT_SERVER_MORE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/client-hello/names", test_names);
  g_test_add_func("/client-hello/prefixes", test_prefixes);
  g_test_add_func("/client-hello/ambiguous", test_ambiguous);
  g_test_add_func("/client-hello/mutations", test_mutations);
  g_test_add_func("/client-hello/not-tls", test_not_tls);
  g_test_add_func("/client-hello/record-version", test_record_version);
  g_test_add_func("/client-hello/next", test_next);
  g_test_add_func("/client-hello/server", test_server);
  return g_test_run();
}
