/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conversations of HTTP/1 clients: which names they ask for, and which are refused. */
#include <glib.h>
#include <string.h>

#include "wire/bt-http-head.h"

typedef struct {
  const char *what;
  const char *bytes;
  const char *found; /* names and ends, "github.com . github.com ." */
  BtHttpResult result;
} Case;

static BtHttpResult
feed(BtHttpHead *http, const char *bytes, gsize size, gsize *used_out)
{
  g_autofree guint8 *copy = g_memdup2(bytes, size);
  return bt_http_head_feed(http, copy, size, used_out);
}

static BtHttpResult
converse(const char *bytes, gsize size, gsize piece, GString *found)
{
  BtHttpHead http;

  bt_http_head_init(&http);
  for (gsize at = 0, used; at < size; at += used) {
    BtHttpResult result = BT_HTTP_MORE;
    gsize left = MIN(piece, size - at);
    used = bt_http_head_skip(&http, left);
    if (used == 0)
      result = feed(&http, bytes + at, left, &used);
    g_assert_cmpuint(used, >, 0);
    if (result == BT_HTTP_NAME)
      g_string_append_printf(found, "%s ", http.name);
    else if (result == BT_HTTP_END)
      g_string_append(found, http.upgrade ? "^ " : ". ");
    else if (result != BT_HTTP_MORE)
      return result;
  }
  return BT_HTTP_MORE;
}

static void
assert_found(const char *bytes, gsize size, const char *expected, BtHttpResult result)
{
  for (gsize piece = size; piece > 0; piece -= piece > 40 ? piece / 3 : 1) {
    g_autoptr(GString) found = g_string_new(NULL);
    g_assert_cmpint(converse(bytes, size, piece, found), ==, result);
    g_assert_cmpstr(g_strchomp(found->str), ==, expected);
  }
}

#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: github.com\r\n"
#define END "\r\n"

static const Case cases[] = {
  { "plain", GET HOST END, "github.com .", BT_HTTP_MORE },
  { "case", "GET / HTTP/1.1\r\nhOsT:GitHub.com\t \r\n\r\n", "github.com .", BT_HTTP_MORE },
  { "port", GET "Host: github.com:8080\r\n" END, "github.com .", BT_HTTP_MORE },
  { "root's dot", GET "Host: github.com.:80\r\n" END, "github.com .", BT_HTTP_MORE },
  { "after others", GET "A: b\r\nAccept: */*\r\n" HOST "C:\r\n" END, "github.com .",
    BT_HTTP_MORE },
  { "HTTP/1.0", "GET /x?y HTTP/1.0\r\n" HOST END, "github.com .", BT_HTTP_MORE },
  { "method of its own", "FROB /x HTTP/1.1\r\n" HOST END, "github.com .", BT_HTTP_MORE },
  { "OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST END, "github.com .", BT_HTTP_MORE },
  { "UTF-8 in the path", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST END, "github.com .", BT_HTTP_MORE },
  { "empty lines before", "\r\n\r\n" GET HOST END, "github.com .", BT_HTTP_MORE },
  { "two", GET HOST END GET "Host: evil.example\r\n" END, "github.com . evil.example .",
    BT_HTTP_MORE },
  { "absolute", "GET http://a.example/x HTTP/1.1\r\n" HOST END, "a.example github.com .",
    BT_HTTP_MORE },
  { "absolute, port and query", "GET HTTPS://a.example:80?x HTTP/1.1\r\n" HOST END,
    "a.example github.com .", BT_HTTP_MORE },
  { "absolute, HTTP/1.0", "GET http://a.example HTTP/1.0\r\n" END, "a.example .", BT_HTTP_MORE },
  { "body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 7\r\n" END "GET / H" GET HOST END,
    "github.com . github.com .", BT_HTTP_MORE },
  { "empty body", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n" END GET HOST END,
    "github.com . github.com .", BT_HTTP_MORE },
  { "body and CRLF", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n" END "x\r\n" GET HOST END,
    "github.com . github.com .", BT_HTTP_MORE },
  { "chunks",
    "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n" HOST END
    "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nT: x\r\n\r\n" GET HOST END,
    "github.com . github.com .", BT_HTTP_MORE },
  { "WebSocket", GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n" END, "github.com ^",
    BT_HTTP_MORE },
  { "upgrade is of one request", GET HOST "Upgrade: websocket\r\n" END GET HOST END,
    "github.com ^ github.com .", BT_HTTP_MORE },

  { "no Host", GET END, "", BT_HTTP_NO_NAME },
  { "no Host, HTTP/1.0", "GET / HTTP/1.0\r\n" END, "", BT_HTTP_NO_NAME },
  { "absolute without Host", "GET http://a.example/ HTTP/1.1\r\n" END, "a.example",
    BT_HTTP_NO_NAME },
  { "empty Host", GET "Host:\r\n" END, "", BT_HTTP_NO_NAME },
  { "address in brackets", GET "Host: [::1]:80\r\n" END, "", BT_HTTP_NO_NAME },
  { "second request without", GET HOST END GET END, "github.com .", BT_HTTP_NO_NAME },
  { "CONNECT", "CONNECT github.com:443 HTTP/1.1\r\n" HOST END, "", BT_HTTP_TUNNEL },
  { "second is CONNECT", GET HOST END "CONNECT a:1 HTTP/1.1\r\n", "github.com .",
    BT_HTTP_TUNNEL },
  { "h2c", GET HOST "Connection: Upgrade\r\nUpgrade: websocket, H2C\r\n" END, "github.com",
    BT_HTTP_TUNNEL },
  { "upgrade to TLS", GET HOST "Upgrade: TLS/1.0\r\n" END, "github.com", BT_HTTP_TUNNEL },
  { "upgrade to HTTP", GET HOST "Upgrade: foo, HTTP/1.1\r\n" END, "github.com", BT_HTTP_TUNNEL },
  { "upgrade to a tunnel", GET HOST "Upgrade: Connect-UDP\r\n" END, "github.com",
    BT_HTTP_TUNNEL },
  { "preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", BT_HTTP_TUNNEL },

  { "two Hosts", GET HOST "Host: evil.example\r\n" END, "github.com", BT_HTTP_MALFORMED },
  { "the same Host twice", GET HOST HOST END, "github.com", BT_HTTP_MALFORMED },
  { "folded", GET HOST "A: b\r\n c\r\n" END, "github.com", BT_HTTP_MALFORMED },
  { "folded Host", GET "Host:\r\n evil.example\r\n" END, "", BT_HTTP_NO_NAME },
  { "bare LF", GET "Host: github.com\n" END, "", BT_HTTP_MALFORMED },
  { "bare LF in the request line", "GET / HTTP/1.1\nHost: github.com\n\n", "",
    BT_HTTP_MALFORMED },
  { "bare CR", GET "Host: github.com\rHost: evil.example\r\n" END, "github.com",
    BT_HTTP_MALFORMED },
  { "space before the colon", GET "Host : github.com\r\n" END, "", BT_HTTP_MALFORMED },
  { "space before the header", "GET / HTTP/1.1\r\n Host: github.com\r\n" END, "",
    BT_HTTP_MALFORMED },
  { "no colon", GET "Host\r\n" END, "", BT_HTTP_MALFORMED },
  { "no header's name", GET ": x\r\n" END, "", BT_HTTP_MALFORMED },
  { "list of Hosts", GET "Host: github.com, evil.example\r\n" END, "", BT_HTTP_MALFORMED },
  { "user in Host", GET "Host: github.com@evil.example\r\n" END, "", BT_HTTP_MALFORMED },
  { "user in the URI", "GET http://github.com@evil.example/ HTTP/1.1\r\n" HOST END, "",
    BT_HTTP_MALFORMED },
  { "no authority", "GET http:///x HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "bad port", GET "Host: github.com:8o\r\n" END, "", BT_HTTP_MALFORMED },
  { "tab in the request line", "GET\t/ HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "two spaces", "GET  / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "space at the end", "GET / HTTP/1.1 \r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "tab and HTTP/0.9", "GET\t/\r\n", "", BT_HTTP_MALFORMED },
  { "indented HTTP/0.9", " GET /\r\n", "", BT_HTTP_MALFORMED },
  { "vertical tabs", "POST\v/\vHTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "form feed", "POST\f/ HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "bare CR as a space", "POST\r/ HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "no-break space", "\xa0POST\xa0/ HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "separators", "\x1cPOST\x1f/\x85HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "bare CR before", "\rPOST / HTTP/1.1\r\n" HOST END, "github.com .", BT_HTTP_MORE },
  { "gap in an empty line", " \r\nPOST / HTTP/1.1\r\n" HOST END, "github.com .", BT_HTTP_MORE },
  { "space at the start", " GET / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "space in the target", "GET /a b HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "other target", "GET x HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "lower case", "get / http/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "HTTP/0.9", "GET /\r\n", "", BT_HTTP_MALFORMED },
  { "HTTP/1.2", "GET / HTTP/1.2\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "HTTP/1.10", "GET / HTTP/1.10\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "two lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n" END,
    "github.com", BT_HTTP_MALFORMED },
  { "list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n" END, "github.com",
    BT_HTTP_MALFORMED },
  { "signed length", "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n" END, "github.com",
    BT_HTTP_MALFORMED },
  { "long length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000000000000000\r\n" END,
    "github.com", BT_HTTP_MALFORMED },
  { "no length", "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n" END, "github.com",
    BT_HTTP_MALFORMED },
  { "length and chunks",
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n" END,
    "github.com", BT_HTTP_MALFORMED },
  { "chunks and length",
    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n" END,
    "github.com", BT_HTTP_MALFORMED },
  { "other coding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n" END,
    "github.com", BT_HTTP_MALFORMED },
  { "chunks in HTTP/1.0", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n" END,
    "github.com", BT_HTTP_MALFORMED },
  { "chunk without a size",
    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END "\r\n", "github.com .",
    BT_HTTP_MALFORMED },
  { "chunk ends by LF",
    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END "1\nx", "github.com .",
    BT_HTTP_MALFORMED },
  { "chunk longer than it says",
    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n" END "1\r\nxy\r\n", "github.com .",
    BT_HTTP_MALFORMED },
  { "something else behind", GET HOST END "\x16\x03\x01", "github.com .", BT_HTTP_MALFORMED },
  { "a word behind", GET HOST END "QUIT\r\n", "github.com .", BT_HTTP_MALFORMED },

  /* Methods that servers take for some: gunicorn, picohttpparser and Apache once did. */
  { "bracket before the method", "(GET / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "colon in the method", "GE:T / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "slash in the method", "G/T / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "byte order mark", "\xef\xbb\xbfGET / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "letter with an accent", "G\xc9T / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "quoted", "\"GET\" / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "bare LF behind such a method", "(GET / HTTP/1.1\nHost: evil.example\n\n", "",
    BT_HTTP_MALFORMED },
  /* gunicorn ends no line by LF alone. */
  { "bare LF in the target", "OPTIONS x\n HTTP/1.1\r\nHost: evil.example\r\n" END, "",
    BT_HTTP_MALFORMED },
  { "two bare LFs", "FOO x\n\ny HTTP/1.0\r\nHost: evil.example\r\n" END, "", BT_HTTP_MALFORMED },
  { "bare LF, and no HTTP behind", "a\nb\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "bare LFs for gaps", "\x01GET\n/\nHTTP/1.1\r\n", "", BT_HTTP_MALFORMED },
  { "bare LF for a gap", "FOO\n/\r\nHost: evil.example\r\n" END, "", BT_HTTP_MALFORMED },
  /* Versions that old Apaches took for HTTP/1.0. */
  { "other version", "POST / JUNK\r\nHost: evil.example\r\n" END, "", BT_HTTP_MALFORMED },
  { "other version, tabs", "HEAD\t/\tJUNK\r\nHost: evil.example\r\n" END, "",
    BT_HTTP_MALFORMED },
  { "other version, absolute", "PUT http://evil.example/ JUNK\r\n" END, "", BT_HTTP_MALFORMED },
  { "no version, absolute", "HEAD HTTP://evil.example/\r\n", "", BT_HTTP_MALFORMED },
  { "no version", "DELETE /\r\n", "", BT_HTTP_MALFORMED },
  { "OPTIONS without a version", "OPTIONS /\n", "", BT_HTTP_MALFORMED },

  /* What decides at a first word that no method is, or behind a version that none is. */
  { "WebDAV, other version", "PROPFIND /x JUNK\r\nHost: evil.example\r\n" END, "",
    BT_HTTP_MALFORMED },
  { "WebDAV, no version", "M-SEARCH http://evil.example/\r\n", "", BT_HTTP_MALFORMED },
  { "control character before", "\x01GET / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "control character in the method", "G\x7fT / HTTP/1.0\r\n" HOST END, "", BT_HTTP_MALFORMED },
  { "control character and tabs", "\x16\x01GET\t/\tHTTP/1.1\n\r\n", "", BT_HTTP_MALFORMED },
  { "behind gaps", "\r\n \x01GET / HTTP/1.1\r\n" HOST END, "", BT_HTTP_MALFORMED },

  /* Servers that want no more than a Host: Twisted's, Java's, waitress. */
  { "Host", "OPTIONS x:y RTSP/1.0\r\nHost: evil.example\r\n" END, "", BT_HTTP_MALFORMED },
  { "any Host", "G@T / JUNK\r\nA: b\r\nhOsT:\r\n" END, "", BT_HTTP_MALFORMED },
  { "Host and a gap", "get x y\r\nHost \t: evil.example\r\n" END, "", BT_HTTP_MALFORMED },
  { "Host behind LF", "get x y\nA: b\nHost: evil.example\n\n", "", BT_HTTP_MALFORMED },
  { "Host behind CR", "get x y\r\nA: b\rHost: evil.example\r\n" END, "", BT_HTTP_MALFORMED },
  { "Host behind LF alone", "get x y\r\n\nHost: evil.example\r\n" END, "", BT_HTTP_MALFORMED },
  { "Host behind a control character", "\x01M x y\r\nHost: evil.example\r\n" END, "",
    BT_HTTP_MALFORMED },
  { "Host behind CR and CRLF", "G@T\r\r\n/ JUNK\r\nHost: evil.example\r\n" END, "",
    BT_HTTP_MALFORMED },
  { "Host behind LF and CRLF", "a\nget x y\r\nHost: evil.example\r\n" END, "",
    BT_HTTP_MALFORMED },
  { "other headers", "get x y\r\nHostess: a\r\nAHost: a\r\n Host: a\r\nHost\r\n" END, "",
    BT_HTTP_NOT_HTTP },
  { "Host behind the end", "get x y\r\nA: b\r\n\r\nHost: evil.example\r\n", "",
    BT_HTTP_NOT_HTTP },
  { "Host behind one word", "STOMP\nlogin:a b\nhost:evil.example\n\n", "", BT_HTTP_MORE },

  { "SSH", "SSH-2.0-OpenSSH_9.2 Debian\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "SSH, not yet known", "SSH-2.0-OpenSSH_9.2 Debian\r\n", "", BT_HTTP_MORE },
  { "SSH without comment", "SSH-2.0-x\r\n", "", BT_HTTP_NOT_HTTP },
  { "SMTP", "EHLO me.example\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "IMAP", "a1 CAPABILITY\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "Redis", "*1\r\n", "", BT_HTTP_NOT_HTTP },
  { "memcached", "get key\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "memcached, of pages", "get /key http://evil.example/\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "RTSP", "OPTIONS rtsp://evil.example/ RTSP/1.0\r\nCSeq: 1\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "git, not yet known", "0033git-upload-pack /project.git", "", BT_HTTP_MORE },
  { "RTSP, any", "OPTIONS * RTSP/1.0\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "SIP", "OPTIONS sip:a@evil.example SIP/2.0\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "NNTP", "POST\r\n", "", BT_HTTP_NOT_HTTP },
  { "NNTP's HEAD", "HEAD <a/b@evil.example>\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "gopher", "/path\r\n", "", BT_HTTP_NOT_HTTP },
  { "JSON, not yet known", "{\"url\": \"http://evil.example/\"}\n", "", BT_HTTP_MORE },
  { "XMPP", "<?xml version='1.0'?>\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "log, not yet known", "<34>Oct 11 nginx\n<34>Oct 11 GET / HTTP/1.1\n", "", BT_HTTP_MORE },
  { "AMQP, not yet known", "AMQP\x01", "", BT_HTTP_MORE },
  { "AMQP and a line's end", "AMQP\x01\r\n", "", BT_HTTP_NOT_HTTP },
  { "binary, not yet known", "\x01", "", BT_HTTP_MORE },
  { "FastCGI", "\x01\x04\x0f\x08SERVER_PROTOCOLHTTP/1.1\r\n", "", BT_HTTP_NOT_HTTP },
  { "MySQL's length of 32, not yet known", " \x01", "", BT_HTTP_MORE },
  { "clamd", "SCAN /file\r\n" END, "", BT_HTTP_NOT_HTTP },
  { "NATS", "CONNECT {\"verbose\":false}\r\n" END, "", BT_HTTP_NOT_HTTP },
};

static void
test_conversations(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    const Case *c = &cases[i];
    g_test_message("%s", c->what);
    assert_found(c->bytes, strlen(c->bytes), c->found, c->result);
  }
}

#define BYTES(text) text, sizeof(text) - 1

static void
test_nul(void)
{
  assert_found(BYTES(GET "Host: github.com\0.evil.example\r\n" END), "", BT_HTTP_MALFORMED);
  assert_found(BYTES(GET "A: \0\r\n" HOST END), "", BT_HTTP_MALFORMED);
  assert_found(BYTES("GET /\0 HTTP/1.1\r\n"), "", BT_HTTP_MALFORMED);
  assert_found(BYTES("GET / HTTP/1.1\0\r\n"), "", BT_HTTP_MALFORMED);
  assert_found(BYTES(GET "Ho\0st: github.com\r\n"), "", BT_HTTP_MALFORMED);
  assert_found(BYTES("\0GET / HTTP/1.1\r\n" HOST END), "", BT_HTTP_MALFORMED);
  assert_found(BYTES("\0\0\0\x08\x04\xd2\x16\x2f"), "", BT_HTTP_MORE);
}

static void
test_sizes(void)
{
  g_autofree char *fill = g_strnfill(BT_HTTP_HEAD_MAX_SIZE, 'a');
  g_autofree char *line = g_strdup_printf("GET /%s", fill);
  /* nginx passes over any number of empty lines. */
  g_autoptr(GString) lines = g_string_new(NULL);
  for (guint i = 0; i < BT_HTTP_HEAD_MAX_SIZE; i++)
    g_string_append(lines, "\r\n");
  assert_found(lines->str, lines->len, "", BT_HTTP_MORE);
  g_string_append(lines, GET HOST END);
  assert_found(lines->str, lines->len, "github.com .", BT_HTTP_MORE);
  g_autofree char *letters = g_strdup_printf("%sx", fill);
  g_autofree char *header = g_strdup_printf(GET "%s", fill);
  g_autofree char *value = g_strdup_printf(GET HOST "Cookie: %s", fill);
  g_autofree char *word = g_strdup_printf("SOME %s", fill);
  g_autofree char *cookie = g_strdup_printf(GET HOST "Cookie: %.60000s\r\n" END, fill);
  g_autofree char *host = g_strdup_printf(GET "Host: %.300s\r\n" END, fill);
  g_autofree char *upgrade = g_strdup_printf(GET HOST "Upgrade: %.300s, h2c\r\n" END, fill);
  g_autofree char *method = g_strdup_printf("%.300s / HTTP/1.1\r\n" HOST END, fill);

  g_autofree char *words = g_strdup_printf("(SOME %sx", fill);
  g_autofree char *log = g_strdup_printf("<34>Oct 11\nGET / HTTP/1.1\n%sx", fill);
  g_autofree char *lost = g_strdup_printf("(SOME HTTP/1.1 %sx", fill);
  g_autofree char *binary = g_strdup_printf("\x01 HTTP %sx", fill);
  g_autofree char *behind = g_strdup_printf("EHLO me\r\n%sx", fill);

  assert_found(line, strlen(line), "", BT_HTTP_OVERSIZED);
  assert_found(letters, strlen(letters), "", BT_HTTP_NOT_HTTP);
  assert_found(header, strlen(header), "", BT_HTTP_OVERSIZED);
  assert_found(value, strlen(value), "github.com", BT_HTTP_OVERSIZED);
  assert_found(word, strlen(word), "", BT_HTTP_OVERSIZED);
  assert_found(cookie, strlen(cookie), "github.com .", BT_HTTP_MORE);
  assert_found(host, strlen(host), "", BT_HTTP_MALFORMED);
  assert_found(upgrade, strlen(upgrade), "github.com", BT_HTTP_MALFORMED);
  assert_found(method, strlen(method), "github.com .", BT_HTTP_MORE);
  /* A protocol of its own that has no lines is no HTTP however much of it comes. */
  assert_found(words, strlen(words), "", BT_HTTP_NOT_HTTP);
  assert_found(lost, strlen(lost), "", BT_HTTP_OVERSIZED);
  assert_found(binary, strlen(binary), "", BT_HTTP_NOT_HTTP);
  assert_found(behind, strlen(behind), "", BT_HTTP_NOT_HTTP);
  /* Nor is one whose lines end by LF alone, though one of them speaks of HTTP. */
  assert_found(log, strlen(log), "", BT_HTTP_NOT_HTTP);
}

/* Where a server that speaks is believed not to be one of HTTP. */
static void
test_unlikely(void)
{
  static const struct {
    const char *bytes;
    gboolean unlikely;
  } unlikelies[] = {
    { "\x05\x01", TRUE },   { "A\x01", TRUE },       { "EHLO me.example\r\nM", TRUE },
    { "\x05\r\n \x01", TRUE }, { "", FALSE },           { "\r\n", FALSE },
    { "EHLO", FALSE },      { "EHLO me", FALSE },     { "(GET / HTTP/1.1", FALSE },
    { GET, FALSE },         { GET HOST END "P", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(unlikelies); i++) {
    const char *bytes = unlikelies[i].bytes;
    BtHttpHead http;
    gsize used;
    bt_http_head_init(&http);
    for (gsize at = 0; at < strlen(bytes); at += used)
      feed(&http, bytes + at, strlen(bytes) - at, &used);
    g_test_message("case %zu", i);
    g_assert_cmpint(bt_http_head_is_unlikely(&http), ==, unlikelies[i].unlikely);
  }
}

/* A body's bytes are passed over at once, however many. */
static void
test_long_body(void)
{
  static const char head[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: 999999999999999\r\n" END;
  BtHttpHead http;
  gsize used;

  bt_http_head_init(&http);
  g_assert_cmpint(feed(&http, head, sizeof head - 1, &used), ==, BT_HTTP_NAME);
  g_assert_cmpint(feed(&http, head + used, sizeof head - 1 - used, &used), ==, BT_HTTP_END);
  g_assert_cmpuint(http.skip, ==, 999999999999999);
  g_assert_cmpuint(bt_http_head_skip(&http, 65536), ==, 65536);
  g_assert_cmpuint(http.skip, ==, 999999999999999 - 65536);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/http-head/conversations", test_conversations);
  g_test_add_func("/http-head/nul", test_nul);
  g_test_add_func("/http-head/sizes", test_sizes);
  g_test_add_func("/http-head/unlikely", test_unlikely);
  g_test_add_func("/http-head/long-body", test_long_body);
  return g_test_run();
}
