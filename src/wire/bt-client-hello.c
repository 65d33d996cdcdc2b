/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-client-hello.h"

#include <string.h>

enum { /* record types */
  RECORD_CHANGE_CIPHER_SPEC = 20,
  RECORD_ALERT = 21,
  RECORD_HANDSHAKE = 22,
  RECORD_APPLICATION_DATA = 23,
};

enum { /* extensions */
  EXTENSION_SERVER_NAME = 0,
  EXTENSION_ECH = 0xfe0d,
};

#define HEADER_SIZE 5
#define MAJOR_VERSION 3
#define MAX_RECORD_SIZE (1u << 14)
#define MAX_SESSION_ID_SIZE 32
#define MESSAGE_CLIENT_HELLO 1
#define NAME_TYPE_HOST 0
#define RANDOM_SIZE 32

/* The fields of a ClientHello in their order; each is read by `need` bytes. */
enum {
  TYPE,
  LENGTH,
  VERSION,
  RANDOM,
  SESSION_LENGTH,
  SESSION,
  SUITES_LENGTH,
  SUITES,
  COMPRESSION_LENGTH,
  COMPRESSION,
  EXTENSIONS_LENGTH,
  EXTENSION_TYPE,
  EXTENSION_LENGTH,
  EXTENSION,
  NAMES_LENGTH,
  NAME_TYPE,
  NAME_LENGTH,
  NAME,
  SERVER_NAME_LENGTH, /* the length of an extension that is a server name */
};

void
bt_client_hello_init(BtClientHello *hello)
{
  memset(hello, 0, sizeof *hello);
  hello->need = 1;
}

void
bt_client_hello_next(BtClientHello *hello)
{
  bt_client_hello_init(hello);
  hello->next = true;
}

size_t
bt_client_hello_skip(BtClientHello *hello, size_t size)
{
  size_t skipped = size < hello->skip ? size : hello->skip;
  hello->skip -= (uint16_t)skipped;
  return skipped;
}

/* ---- the handshake message ---- */

static bool
expect(BtClientHello *hello, uint8_t state, uint32_t need)
{
  hello->state = state;
  hello->need = (uint16_t)need;
  hello->value = 0;
  return need <= hello->message_left;
}

/* A length was read: so many bytes of no interest, or at once what is behind them. */
static bool
expect_bytes(BtClientHello *hello, uint8_t state, uint8_t behind, uint32_t behind_need)
{
  return hello->value > 0 ? expect(hello, state, hello->value)
                          : expect(hello, behind, behind_need);
}

static BtHelloResult
end_message(const BtClientHello *hello)
{
  if (hello->record_left > 0)
    return BT_HELLO_MALFORMED;
  return hello->has_name ? BT_HELLO_NAME : BT_HELLO_NO_NAME;
}

static bool
begin_extension(BtClientHello *hello)
{
  uint16_t type = (uint16_t)hello->value;

  if (type == EXTENSION_ECH)
    hello->ech = true;
  if (type == EXTENSION_SERVER_NAME && hello->has_name)
    return false;
  return expect(hello, type == EXTENSION_SERVER_NAME ? SERVER_NAME_LENGTH : EXTENSION_LENGTH, 2);
}

/* One name of a host, and nothing else: what a second would mean is the server's own affair. */
static bool
read_names(BtClientHello *hello)
{
  uint32_t value = hello->value;

  switch (hello->state) {
  case SERVER_NAME_LENGTH:
    hello->extension_size = (uint16_t)value;
    return value <= hello->message_left && expect(hello, NAMES_LENGTH, 2);
  case NAMES_LENGTH:
    return value + 2 == hello->extension_size && expect(hello, NAME_TYPE, 1);
  case NAME_TYPE:
    return value == NAME_TYPE_HOST && expect(hello, NAME_LENGTH, 2);
  case NAME_LENGTH:
    return value + 5 == hello->extension_size && value > 0 && value < sizeof hello->name &&
           expect(hello, NAME, value);
  case NAME: {
    uint8_t copy[sizeof hello->name];
    memcpy(copy, hello->name, sizeof copy);
    hello->has_name = bt_host_name_read(copy, hello->name_size, hello->name);
    return hello->has_name && (hello->message_left == 0 || expect(hello, EXTENSION_TYPE, 2));
  }
  default:
    return false;
  }
}

/* A field was read to its end; false: it cannot be so. */
static bool
end_field(BtClientHello *hello)
{
  uint32_t value = hello->value;

  switch (hello->state) {
  case TYPE:
    hello->message_left = 3; /* of its length */
    return value == MESSAGE_CLIENT_HELLO && expect(hello, LENGTH, 3);
  case LENGTH:
    hello->message_left = value;
    return expect(hello, VERSION, 2);
  case VERSION:
    return value >> 8 == MAJOR_VERSION && expect(hello, RANDOM, RANDOM_SIZE);
  case RANDOM:
    return expect(hello, SESSION_LENGTH, 1);
  case SESSION_LENGTH:
    return value <= MAX_SESSION_ID_SIZE && expect_bytes(hello, SESSION, SUITES_LENGTH, 2);
  case SESSION:
    return expect(hello, SUITES_LENGTH, 2);
  case SUITES_LENGTH:
    return value > 0 && value % 2 == 0 && expect(hello, SUITES, value);
  case SUITES:
    return expect(hello, COMPRESSION_LENGTH, 1);
  case COMPRESSION_LENGTH:
    return value > 0 && expect(hello, COMPRESSION, value);
  case COMPRESSION:
    return hello->message_left == 0 || expect(hello, EXTENSIONS_LENGTH, 2);
  case EXTENSIONS_LENGTH:
    return value == hello->message_left && (value == 0 || expect(hello, EXTENSION_TYPE, 2));
  case EXTENSION_TYPE:
    return begin_extension(hello);
  case EXTENSION_LENGTH:
    if (value == 0 && hello->message_left == 0)
      return true;
    return expect_bytes(hello, EXTENSION, EXTENSION_TYPE, 2);
  case EXTENSION:
    return hello->message_left == 0 || expect(hello, EXTENSION_TYPE, 2);
  default:
    return read_names(hello);
  }
}

static bool
is_end(const BtClientHello *hello)
{
  return hello->message_left == 0 && hello->need == 0 && hello->state > LENGTH;
}

static BtHelloResult
read_message_byte(BtClientHello *hello, uint8_t byte)
{
  /* The first, where the record's version does not tell. */
  if (hello->header_size > 0 && byte != MESSAGE_CLIENT_HELLO) {
    hello->header[hello->header_size++] = byte;
    return BT_HELLO_NOT_TLS;
  }
  hello->header_size = 0;
  if (hello->state == NAME)
    hello->name[hello->name_size++] = (char)byte;
  hello->value = hello->value << 8 | byte;
  if (hello->state != TYPE)
    hello->message_left--;
  if (--hello->need > 0)
    return BT_HELLO_MORE;
  if (hello->state == LENGTH && hello->value > BT_CLIENT_HELLO_MAX_SIZE)
    return BT_HELLO_OVERSIZED;
  if (!end_field(hello))
    return BT_HELLO_MALFORMED;
  return is_end(hello) ? end_message(hello) : BT_HELLO_MORE;
}

/* ---- records ---- */

/* Every type of record may be read by a server that has not got a ClientHello yet. */
static bool
is_record_type(uint8_t type)
{
  return type >= RECORD_CHANGE_CIPHER_SPEC && type <= RECORD_APPLICATION_DATA;
}

/* The length's highest bit, no padding, CLIENT-HELLO, and a version of SSL 2 or 3. */
static BtHelloResult
read_old_header(const BtClientHello *hello)
{
  const uint8_t *header = hello->header;

  if (hello->header_size == 3 && header[2] != MESSAGE_CLIENT_HELLO)
    return BT_HELLO_NOT_TLS;
  if (hello->header_size == 4 && header[3] != MAJOR_VERSION && header[3] != 0)
    return BT_HELLO_NOT_TLS;
  return hello->header_size < 4 ? BT_HELLO_MORE : BT_HELLO_NO_NAME;
}

/*
 * With another version than SSL 3's and TLS's, which RFC 8446, 5.1, has servers ignore: Go's,
 * SChannel, NSS, mbed TLS, wolfSSL and Java's do, for some values or all. Other protocols may
 * begin like that, so the type tells by the size that it has, and a handshake by its first byte.
 */
static bool
may_be_record(uint8_t type, uint16_t size)
{
  return type == RECORD_CHANGE_CIPHER_SPEC ? size == 1
         : type == RECORD_ALERT            ? size == 2
                                           : type == RECORD_HANDSHAKE && size <= MAX_RECORD_SIZE;
}

static BtHelloResult
end_header(BtClientHello *hello)
{
  uint16_t size = (uint16_t)(hello->header[3] << 8 | hello->header[4]);

  if (hello->header[1] == MAJOR_VERSION)
    hello->header_size = 0;
  else if (!may_be_record(hello->header[0], size))
    return BT_HELLO_NOT_TLS;
  if (size == 0 || size > MAX_RECORD_SIZE + 256)
    return BT_HELLO_MALFORMED;
  if (hello->header[0] == RECORD_HANDSHAKE) {
    hello->record_left = size;
    return size <= MAX_RECORD_SIZE ? BT_HELLO_MORE : BT_HELLO_MALFORMED;
  }
  /* Behind the first ClientHello: what a client sends before it has the server's answer. */
  if (!hello->next || hello->state != TYPE)
    return BT_HELLO_MALFORMED;
  hello->skip = size;
  return BT_HELLO_MORE;
}

static BtHelloResult
read_header_byte(BtClientHello *hello, uint8_t byte)
{
  bool first = !hello->next && hello->state == TYPE;

  hello->header[hello->header_size++] = byte;
  if (first && (hello->header[0] & 0x80) != 0)
    return read_old_header(hello);
  switch (hello->header_size) {
  case 1:
    if (is_record_type(byte))
      return BT_HELLO_MORE;
    return first ? BT_HELLO_NOT_TLS : BT_HELLO_MALFORMED;
  case 2:
    return byte == MAJOR_VERSION || first ? BT_HELLO_MORE : BT_HELLO_MALFORMED;
  case HEADER_SIZE:
    return end_header(hello);
  default:
    return BT_HELLO_MORE;
  }
}

BtHelloResult
bt_client_hello_feed(BtClientHello *hello, const uint8_t *bytes, size_t size, size_t *used_out)
{
  BtHelloResult result = BT_HELLO_MORE;
  size_t used = 0;

  while (used < size && result == BT_HELLO_MORE && hello->skip == 0) {
    uint8_t byte = bytes[used++];
    if (hello->record_left > 0) {
      hello->record_left--;
      result = read_message_byte(hello, byte);
    } else {
      result = read_header_byte(hello, byte);
    }
  }
  *used_out = used;
  return result;
}
