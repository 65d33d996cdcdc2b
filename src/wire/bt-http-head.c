/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A state reads one byte:
 *
 *   START → METHOD → TARGET [→ AUTHORITY → PATH] → VERSION → LF
 *   LINE → FIELD → VALUE → LF → LINE ...          the header
 *   LINE → CR → HEAD_LF                           its end
 *   (skip) or CHUNK_SIZE [→ CHUNK_EXTENSION] → LF (skip) CHUNK_CR → LF ... → TRAILER
 *   → START of the next request
 *
 * Until the first request line is known to be one, what no request line has
 * ends in LOST, which reads to the line's end (or both of its ends): only then
 * it is known whether it is HTTP to a server that takes more than it should.
 * Such servers there are, and each has its own grammar (methods of any bytes,
 * any word for the version), so the line's look decides: "HTTP/" anywhere in
 * it, a method of HTTP's before a path, or any before an http: URI. Of a line that
 * has control characters in the place of a method, as binary protocols do, only
 * "HTTP/" behind a gap is taken for that.
 *
 * BEHIND a first line of several words that looks like none of these a Host tells
 * yet, without which no name is asked for: so up to an empty line each is looked at.
 */
#include "wire/bt-http-head.h"

#include <string.h>

enum {
  START,
  START_LF,
  METHOD,
  TARGET,
  AUTHORITY,
  PATH,
  VERSION,
  LOST,
  BEHIND,
  LF,
  LINE,
  FIELD,
  VALUE,
  HEAD_LF,
  CHUNK_SIZE,
  CHUNK_EXTENSION,
  CHUNK_LF,
  CHUNK_CR,
  CHUNK_END_LF,
  TRAILER,
  TRAILER_FIELD,
  TRAILER_VALUE,
  TRAILER_LF,
  TRAILERS_END_LF,
};

enum { /* headers that say something here, as a set */
  HOST = 1u << 0,
  CONTENT_LENGTH = 1u << 1,
  TRANSFER_ENCODING = 1u << 2,
  UPGRADE = 1u << 3,
};

/* Digits of a length: no sum of them overflows. */
#define MAX_DECIMAL 15
#define MAX_HEXADECIMAL 13

void
bt_http_head_init(BtHttpHead *http)
{
  memset(http, 0, sizeof *http);
}

size_t
bt_http_head_skip(BtHttpHead *http, size_t size)
{
  size_t skipped = size < http->skip ? size : (size_t)http->skip;
  http->skip -= skipped;
  return skipped;
}

bool
bt_http_head_is_begun(const BtHttpHead *http)
{
  return http->known && http->size > 0 && http->state < CHUNK_SIZE;
}

bool
bt_http_head_is_unlikely(const BtHttpHead *http)
{
  return !http->known && (http->state == BEHIND || (http->state == LOST && http->odd));
}

/* ---- characters ---- */

static bool
is_digit(uint8_t c)
{
  return c >= '0' && c <= '9';
}

static bool
is_alpha(uint8_t c)
{
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static uint8_t
lower(uint8_t c)
{
  return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* RFC 9110, 5.6.2 */
static bool
is_token(uint8_t c)
{
  return is_digit(c) || is_alpha(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_blank(uint8_t c)
{
  return c == ' ' || c == '\t';
}

/* What some server takes for the space between words: RFC 9112, 3, and Python's split(). */
static bool
is_gap(uint8_t c)
{
  return (c >= '\t' && c <= '\r' && c != '\n') || (c >= 0x1c && c <= ' ') || c == 0x85 ||
         c == 0xa0;
}

static bool
is_visible(uint8_t c)
{
  return c > ' ' && c != 0x7f;
}

/* ---- text ---- */

/* What is longer than there is room for is none of the words that are looked for. */
static void
keep(BtHttpHead *http, uint8_t c)
{
  if (http->text_size < sizeof http->text)
    http->text[http->text_size] = (char)c;
  if (http->text_size <= sizeof http->text)
    http->text_size++;
}

static bool
is_text(const BtHttpHead *http, const char *word)
{
  return http->text_size == strlen(word) && memcmp(http->text, word, http->text_size) == 0;
}

static bool
is_text_anyhow(const BtHttpHead *http, const char *word)
{
  if (http->text_size != strlen(word))
    return false;
  for (size_t i = 0; i < http->text_size; i++)
    if (lower((uint8_t)http->text[i]) != (uint8_t)word[i])
      return false;
  return true;
}

static BtHttpResult
go(BtHttpHead *http, uint8_t state)
{
  http->state = state;
  return BT_HTTP_MORE;
}

static BtHttpResult
begin_text(BtHttpHead *http, uint8_t state)
{
  http->text_size = 0;
  return go(http, state);
}

/* ---- names ---- */

/* "host" or "host:port" in text. */
static BtHttpResult
take_name(BtHttpHead *http)
{
  size_t size = http->text_size;

  if (size == 0 || http->text[0] == '[')
    return BT_HTTP_NO_NAME;
  if (size > sizeof http->text)
    return BT_HTTP_MALFORMED;
  const char *colon = memchr(http->text, ':', size);
  if (colon != NULL) {
    for (const char *p = colon + 1; p < http->text + size; p++)
      if (!is_digit((uint8_t)*p))
        return BT_HTTP_MALFORMED;
    size = (size_t)(colon - http->text);
  }
  if (!bt_host_name_read((const uint8_t *)http->text, size, http->name))
    return BT_HTTP_MALFORMED;
  http->has_name = true;
  return BT_HTTP_NAME;
}

/* ---- the request line ---- */

static void
begin_request(BtHttpHead *http)
{
  http->size = 0;
  http->seen = 0;
  http->has_name = http->old = http->connects = http->upgrades = http->is_http = false;
  http->matched = http->target = 0;
  http->length = 0;
  http->text_size = 0;
  http->state = START;
}

/*
 * No request line of a well-formed request. To some servers it ends by LF, to others only by
 * CR and LF: where nothing is HTTP at the first, what is behind may be yet at the second.
 */
static BtHttpResult
lose(BtHttpHead *http, uint8_t c)
{
  if (http->known)
    return BT_HTTP_MALFORMED;
  if (c != '\n')
    return go(http, LOST);
  if (http->is_http && (!http->lines || http->after_cr))
    return BT_HTTP_MALFORMED;
  if (http->after_cr) {
    http->size = 0;
    http->ended = 2;
    return http->several ? go(http, BEHIND) : BT_HTTP_NOT_HTTP;
  }
  http->lines = true;
  return go(http, LOST);
}

/* As lose(), in the place of a method. */
static BtHttpResult
lose_method(BtHttpHead *http, uint8_t c)
{
  http->odd = !is_visible(c);
  return lose(http, c);
}

/* Empty lines before the first request, and gaps before its method, are passed over by some. */
static BtHttpResult
read_start(BtHttpHead *http, uint8_t c)
{
  if (is_token(c)) {
    begin_text(http, METHOD);
    keep(http, c);
    return BT_HTTP_MORE;
  }
  if (http->known)
    return c == '\r' ? go(http, START_LF) : BT_HTTP_MALFORMED;
  if (!is_gap(c) && c != '\n')
    return lose_method(http, c);
  /* However many they are: no number of them decides anything. */
  http->size = 0;
  http->indented = c != '\n' && (c != '\r' || http->indented);
  return BT_HTTP_MORE;
}

/* Those that are words of other protocols, too: what is behind them tells. */
static bool
is_method(const BtHttpHead *http)
{
  static const char *const methods[] = { "HEAD",    "POST",  "PUT", "DELETE",
                                         "OPTIONS", "PATCH", "TRACE" };

  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
    if (is_text(http, methods[i]))
      return true;
  return false;
}

/* As all methods are that servers know. */
static bool
is_capitals(const BtHttpHead *http)
{
  for (size_t i = 0; i < http->text_size && i < sizeof http->text; i++)
    if ((http->text[i] < 'A' || http->text[i] > 'Z') && http->text[i] != '-')
      return false;
  return true;
}

static BtHttpResult
read_method(BtHttpHead *http, uint8_t c)
{
  if (is_token(c)) {
    keep(http, c);
    return BT_HTTP_MORE;
  }
  if (!is_gap(c) && c != '\n')
    return lose_method(http, c);
  /* Without its version it is HTTP 0.9, which no other protocol's word looks like. */
  http->is_http |= is_text(http, "GET");
  http->target = is_capitals(http);
  http->paths = is_method(http);
  if (c != ' ' || http->indented)
    return lose(http, c);
  http->connects = is_text(http, "CONNECT");
  return begin_text(http, TARGET);
}

static BtHttpResult
end_target(BtHttpHead *http)
{
  bool origin = http->text_size > 0 && http->text[0] == '/';

  /* CONNECT and the preface of HTTP/2 are told from their like by the version. */
  if (!origin && !is_text(http, "*") && !http->connects)
    return lose(http, ' ');
  return begin_text(http, VERSION);
}

static BtHttpResult
read_target(BtHttpHead *http, uint8_t c)
{
  if (c == ' ')
    return end_target(http);
  if (!is_visible(c))
    return lose(http, c);
  keep(http, c);
  if (http->text_size < 4 || http->text[0] == '/' || !is_alpha((uint8_t)http->text[0]) ||
      http->text_size > 16 || memcmp(http->text + http->text_size - 3, "://", 3) != 0)
    return BT_HTTP_MORE;
  return begin_text(http, AUTHORITY);
}

static BtHttpResult
read_authority(BtHttpHead *http, uint8_t c)
{
  if (c == ' ' || c == '/' || c == '?' || c == '#') {
    BtHttpResult result = take_name(http);
    if (result == BT_HTTP_NAME) /* told once it is known to be a request's */
      return begin_text(http, c == ' ' ? VERSION : PATH);
    return http->known ? result : lose(http, c);
  }
  if (!is_visible(c))
    return lose(http, c);
  keep(http, c);
  return BT_HTTP_MORE;
}

static BtHttpResult
read_path(BtHttpHead *http, uint8_t c)
{
  if (c == ' ')
    return begin_text(http, VERSION);
  return is_visible(c) ? BT_HTTP_MORE : lose(http, c);
}

static BtHttpResult
read_version(BtHttpHead *http, uint8_t c)
{
  if (c != '\r') {
    keep(http, c);
    return is_visible(c) ? BT_HTTP_MORE : lose(http, c);
  }
  if (is_text(http, "HTTP/2.0"))
    return BT_HTTP_TUNNEL;
  http->old = is_text(http, "HTTP/1.0");
  if (!http->old && !is_text(http, "HTTP/1.1"))
    return lose(http, c);
  if (http->connects)
    return BT_HTTP_TUNNEL;
  http->known = true;
  http->state = LF;
  return http->has_name ? BT_HTTP_NAME : BT_HTTP_MORE;
}

/* ---- the header ---- */

static uint8_t
find_header(const BtHttpHead *http)
{
  return is_text(http, "host")                ? HOST
         : is_text(http, "content-length")    ? CONTENT_LENGTH
         : is_text(http, "transfer-encoding") ? TRANSFER_ENCODING
         : is_text(http, "upgrade")           ? UPGRADE
                                              : 0;
}

static BtHttpResult
end_field(BtHttpHead *http)
{
  http->header = find_header(http);
  /* Upgrade is a list that may be in pieces; of the others a second is an ambiguity. */
  if ((http->seen & http->header & ~UPGRADE) != 0)
    return BT_HTTP_MALFORMED;
  http->seen |= http->header;
  if ((http->seen & CONTENT_LENGTH) != 0 && (http->seen & TRANSFER_ENCODING) != 0)
    return BT_HTTP_MALFORMED;
  return begin_text(http, VALUE);
}

static BtHttpResult
take_length(BtHttpHead *http)
{
  if (http->text_size == 0 || http->text_size > MAX_DECIMAL)
    return BT_HTTP_MALFORMED;
  http->length = 0;
  for (size_t i = 0; i < http->text_size; i++) {
    uint8_t c = (uint8_t)http->text[i];
    if (!is_digit(c))
      return BT_HTTP_MALFORMED;
    http->length = http->length * 10 + (c - '0');
  }
  return BT_HTTP_MORE;
}

static bool
has_word(const BtHttpHead *http, const char *word)
{
  size_t length = strlen(word);

  for (size_t at = 0; at + length <= http->text_size; at++) {
    size_t same = 0;
    while (same < length && lower((uint8_t)http->text[at + same]) == (uint8_t)word[same])
      same++;
    if (same == length)
      return true;
  }
  return false;
}

/*
 * HTTP again (in whatever version), TLS and the tunnels of RFC 9298 and 9484. A list too long
 * to be looked through is refused, too.
 */
static BtHttpResult
take_upgrade(BtHttpHead *http)
{
  static const char *const tunnels[] = { "h2", "http", "tls", "connect-" };

  if (http->text_size > sizeof http->text)
    return BT_HTTP_MALFORMED;
  for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++)
    if (has_word(http, tunnels[i]))
      return BT_HTTP_TUNNEL;
  http->upgrades = true;
  return BT_HTTP_MORE;
}

static BtHttpResult
end_value(BtHttpHead *http)
{
  BtHttpResult result = BT_HTTP_MORE;

  while (http->text_size > 0 && http->text_size <= sizeof http->text &&
         is_blank((uint8_t)http->text[http->text_size - 1]))
    http->text_size--;
  switch (http->header) {
  case HOST:
    result = take_name(http);
    break;
  case CONTENT_LENGTH:
    result = take_length(http);
    break;
  case TRANSFER_ENCODING:
    /* Another coding has a length that only a server knows. */
    if (http->old || !is_text_anyhow(http, "chunked"))
      result = BT_HTTP_MALFORMED;
    break;
  case UPGRADE:
    result = take_upgrade(http);
    break;
  default:
    break;
  }
  http->state = LF;
  return result;
}

/* Where a line of a header or trailer begins. */
static BtHttpResult
read_line(BtHttpHead *http, uint8_t c, uint8_t field, uint8_t end)
{
  if (c == '\r')
    return go(http, end);
  if (!is_token(c))
    return BT_HTTP_MALFORMED;
  begin_text(http, field);
  keep(http, lower(c));
  return BT_HTTP_MORE;
}

static BtHttpResult
read_field(BtHttpHead *http, uint8_t c)
{
  if (c == ':')
    return end_field(http);
  if (!is_token(c))
    return BT_HTTP_MALFORMED;
  keep(http, lower(c));
  return BT_HTTP_MORE;
}

static BtHttpResult
read_value(BtHttpHead *http, uint8_t c)
{
  if (c == '\r')
    return end_value(http);
  if (!is_visible(c) && !is_blank(c))
    return BT_HTTP_MALFORMED;
  if (http->text_size > 0 || !is_blank(c))
    keep(http, c);
  return BT_HTTP_MORE;
}

static BtHttpResult
end_head(BtHttpHead *http)
{
  bool chunked = (http->seen & TRANSFER_ENCODING) != 0;
  bool named = (http->seen & HOST) != 0 || (http->old && http->has_name);

  if (!named)
    return BT_HTTP_NO_NAME;
  http->skip = chunked ? 0 : http->length;
  http->upgrade = http->upgrades && !chunked;
  begin_request(http);
  if (chunked)
    http->state = CHUNK_SIZE;
  return BT_HTTP_END;
}

/* ---- chunks ---- */

static BtHttpResult
read_chunk_size(BtHttpHead *http, uint8_t c)
{
  if (is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f')) {
    if (++http->text_size > MAX_HEXADECIMAL)
      return BT_HTTP_MALFORMED;
    http->length = http->length << 4 | (uint64_t)(is_digit(c) ? c - '0' : lower(c) - 'a' + 10);
    return BT_HTTP_MORE;
  }
  if (http->text_size == 0 || (c != '\r' && c != ';'))
    return BT_HTTP_MALFORMED;
  return go(http, c == '\r' ? CHUNK_LF : CHUNK_EXTENSION);
}

static BtHttpResult
read_chunk_extension(BtHttpHead *http, uint8_t c)
{
  if (c == '\r')
    return go(http, CHUNK_LF);
  return is_visible(c) || is_blank(c) ? BT_HTTP_MORE : BT_HTTP_MALFORMED;
}

static BtHttpResult
end_chunk_line(BtHttpHead *http)
{
  bool last = http->length == 0;

  http->skip = http->length;
  http->length = 0;
  http->text_size = 0;
  http->size = 0;
  return go(http, last ? TRAILER : CHUNK_CR);
}

/* ---- bytes ---- */

static BtHttpResult
expect(BtHttpHead *http, uint8_t c, uint8_t expected, uint8_t state)
{
  return c == expected ? go(http, state) : BT_HTTP_MALFORMED;
}

/* Of the lines behind the first: an empty one. */
static BtHttpResult
look_for_end(BtHttpHead *http, uint8_t c)
{
  static const char end[] = "\r\n\r\n";

  http->ended = c == (uint8_t)end[http->ended] ? http->ended + 1 : c == '\r';
  return http->ended == sizeof end - 1 ? BT_HTTP_NOT_HTTP : BT_HTTP_MORE;
}

static BtHttpResult
read_request_line(BtHttpHead *http, uint8_t c)
{
  switch (http->state) {
  case START:
    return read_start(http, c);
  case START_LF:
    if (c == '\n')
      return go(http, START);
    return BT_HTTP_MALFORMED;
  case METHOD:
    return read_method(http, c);
  case TARGET:
    return read_target(http, c);
  case AUTHORITY:
    return read_authority(http, c);
  case PATH:
    return read_path(http, c);
  case VERSION:
    return read_version(http, c);
  case BEHIND:
    return look_for_end(http, c);
  default:
    return lose(http, c);
  }
}

static BtHttpResult
read_header(BtHttpHead *http, uint8_t c)
{
  switch (http->state) {
  case LF:
    return expect(http, c, '\n', LINE);
  case LINE:
    return read_line(http, c, FIELD, HEAD_LF);
  case FIELD:
    return read_field(http, c);
  case VALUE:
    return read_value(http, c);
  default:
    return c == '\n' ? end_head(http) : BT_HTTP_MALFORMED;
  }
}

static BtHttpResult
read_body(BtHttpHead *http, uint8_t c)
{
  switch (http->state) {
  case CHUNK_SIZE:
    return read_chunk_size(http, c);
  case CHUNK_EXTENSION:
    return read_chunk_extension(http, c);
  case CHUNK_LF:
    return c == '\n' ? end_chunk_line(http) : BT_HTTP_MALFORMED;
  case CHUNK_CR:
    return expect(http, c, '\r', CHUNK_END_LF);
  case CHUNK_END_LF:
    return expect(http, c, '\n', CHUNK_SIZE);
  case TRAILER:
    return read_line(http, c, TRAILER_FIELD, TRAILERS_END_LF);
  case TRAILER_FIELD:
    if (c == ':')
      return go(http, TRAILER_VALUE);
    return is_token(c) ? BT_HTTP_MORE : BT_HTTP_MALFORMED;
  case TRAILER_VALUE:
    if (c == '\r')
      return go(http, TRAILER_LF);
    return is_visible(c) || is_blank(c) ? BT_HTTP_MORE : BT_HTTP_MALFORMED;
  case TRAILER_LF:
    return expect(http, c, '\n', TRAILER);
  default:
    if (c != '\n')
      return BT_HTTP_MALFORMED;
    begin_request(http);
    return BT_HTTP_MORE;
  }
}

/* "HTTP/" at any place and in any case; of an odd line behind a gap. */
static void
look_for_http(BtHttpHead *http, uint8_t c)
{
  static const char word[] = "http/";

  if (lower(c) != (uint8_t)word[http->matched])
    http->matched = 0;
  if (lower(c) == (uint8_t)word[http->matched] &&
      (http->matched > 0 || http->after_gap || !http->odd))
    http->matched++;
  if (http->matched == sizeof word - 1) {
    http->is_http = true;
    http->matched = 0;
  }
}

/* "/" or "http:" behind a method, of others "http:" alone, in whatever way they are apart. */
static void
look_at_target(BtHttpHead *http, uint8_t c)
{
  static const char scheme[] = "http:";

  if (http->target == 0 || (http->target == 1 && is_gap(c)))
    return;
  bool path = http->target == 1 && http->paths && c == '/';
  if (lower(c) == (uint8_t)scheme[http->target - 1])
    http->target++;
  else
    http->target = 0;
  if (http->target == sizeof scheme || path) {
    http->is_http = true;
    http->target = 0;
  }
}

/* How many words the first line has, to who ends it by LF and to who does by CR and LF alone. */
static void
look_for_words(BtHttpHead *http, uint8_t c)
{
  bool within = http->state != START;
  bool gap = within && (c == '\r' ? http->after_cr : is_gap(c));

  http->several |= gap || (within && c == '\n' && !http->after_cr);
  http->several_to_lf |= gap && !http->lines;
}

/* "Host:" at the beginning of a line behind the first; some servers end one by CR alone. */
static BtHttpResult
look_for_host(BtHttpHead *http, uint8_t c)
{
  static const char word[] = "host";
  bool whole = http->state == BEHIND || (c == '\n' && http->after_cr);

  if (c == '\n' || c == '\r')
    http->host = whole ? http->several : http->several_to_lf;
  else if (http->host == sizeof word && c == ':')
    return BT_HTTP_MALFORMED;
  else if (http->host > 0 && http->host < sizeof word && lower(c) == (uint8_t)word[http->host - 1])
    http->host++;
  else if (http->host != sizeof word || !is_gap(c)) /* some pass over gaps before the colon */
    http->host = 0;
  return BT_HTTP_MORE;
}

/* No server waits so long for the space behind a method, or for a line that is none. */
static BtHttpResult
end_size(const BtHttpHead *http)
{
  bool lost =
    http->state == BEHIND || (http->state == LOST && (!http->is_http || http->lines));
  return !http->known && (http->state == METHOD || lost) ? BT_HTTP_NOT_HTTP : BT_HTTP_OVERSIZED;
}

static BtHttpResult
read_byte(BtHttpHead *http, uint8_t c)
{
  if (++http->size > BT_HTTP_HEAD_MAX_SIZE)
    return end_size(http);
  if (http->state >= CHUNK_SIZE)
    return read_body(http, c);
  if (http->state >= LF)
    return read_header(http, c);
  BtHttpResult result = look_for_host(http, c);
  if (result != BT_HTTP_MORE)
    return result;
  look_for_http(http, c);
  look_at_target(http, c);
  http->after_gap = is_gap(c) || c == '\n';
  look_for_words(http, c);
  result = read_request_line(http, c);
  http->after_cr = c == '\r';
  return result;
}

BtHttpResult
bt_http_head_feed(BtHttpHead *http, const uint8_t *bytes, size_t size, size_t *used_out)
{
  BtHttpResult result = BT_HTTP_MORE;
  size_t used = 0;

  while (used < size && result == BT_HTTP_MORE && http->skip == 0)
    result = read_byte(http, bytes[used++]);
  *used_out = used;
  return result;
}
