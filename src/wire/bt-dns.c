/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict where being lenient would let two parsers see two names: a question
 * is read without compression, its labels hold only what a host name may, and
 * every byte of the message must belong to it.
 */
#include "wire/bt-dns.h"

#include <string.h>

#define HEADER_SIZE 12u
#define MAX_NAME_BYTES 255u
#define MAX_LABEL 63u
#define MAX_ADDITIONAL 4u
#define CLASS_IN 1
#define TYPE_OPT 41
#define TYPE_ANY 255
#define OPT_SIZE 11u

enum {
  FLAG_RESPONSE = 0x8000,
  MASK_OPCODE = 0x7800,
  FLAG_TRUNCATED = 0x0200,
  FLAG_RECURSION_DESIRED = 0x0100,
  FLAG_RECURSION_AVAILABLE = 0x0080,
};

/* The unread rest of a message. */
typedef struct {
  const uint8_t *at;
  size_t left;
} Reader;

static bool
skip(Reader *reader, size_t size)
{
  if (reader->left < size)
    return false;
  reader->at += size;
  reader->left -= size;
  return true;
}

static bool
read16(Reader *reader, uint16_t *value_out)
{
  const uint8_t *at = reader->at;
  if (!skip(reader, 2))
    return false;
  *value_out = (uint16_t)(at[0] << 8 | at[1]);
  return true;
}

static char
lower(uint8_t c)
{
  return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool
is_host_char(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/*
 * Reads an uncompressed name. *host_out tells whether it could be a host's:
 * then it is in name_out as text. The root is not.
 */
static bool
read_name(Reader *reader, char name_out[BT_DNS_NAME_SIZE], bool *host_out)
{
  size_t bytes = 0, length = 0;
  bool host = true;

  for (;;) {
    const uint8_t *label = reader->at;
    if (!skip(reader, 1))
      return false;
    size_t size = label[0];
    bytes += 1 + size;
    if (size > MAX_LABEL || bytes > MAX_NAME_BYTES || !skip(reader, size))
      return false;
    if (size == 0)
      break;
    if (length > 0)
      name_out[length++] = '.';
    for (size_t i = 1; i <= size; i++) {
      char c = lower(label[i]);
      host = host && is_host_char(c);
      name_out[length++] = c;
    }
  }
  name_out[length] = '\0';
  *host_out = host && length > 0;
  return true;
}

/* One record of the additional section; takes note of OPT. */
static bool
read_additional(Reader *reader, BtDnsQuery *query, unsigned *version_out)
{
  char name[BT_DNS_NAME_SIZE];
  uint16_t type, size_or_class, data_size;
  bool host;

  const uint8_t *start = reader->at;
  if (!read_name(reader, name, &host) || !read16(reader, &type) ||
      !read16(reader, &size_or_class))
    return false;
  const uint8_t *ttl = reader->at;
  if (!skip(reader, 4) || !read16(reader, &data_size) || !skip(reader, data_size))
    return false;
  if (type != TYPE_OPT)
    return true;
  /* RFC 6891: at the root, and only one. */
  if (start[0] != 0 || query->edns)
    return false;
  query->edns = true;
  query->udp_size = size_or_class;
  *version_out = ttl[1];
  return true;
}

static BtDnsVerdict
refuse(BtDnsQuery *query, BtDnsRcode rcode)
{
  query->rcode = (uint16_t)rcode;
  return BT_DNS_REFUSE;
}

static void
clamp_udp_size(BtDnsQuery *query)
{
  if (query->udp_size < BT_DNS_MIN_UDP_SIZE)
    query->udp_size = BT_DNS_MIN_UDP_SIZE;
  if (query->udp_size > BT_DNS_MAX_UDP_SIZE)
    query->udp_size = BT_DNS_MAX_UDP_SIZE;
}

static BtDnsVerdict
judge(BtDnsQuery *query, uint16_t query_class, bool host)
{
  if (query_class != CLASS_IN || query->type == TYPE_ANY)
    return refuse(query, BT_DNS_RCODE_REFUSED);
  /* AXFR, IXFR, MAILB, MAILA and the meta types from 128 on. */
  if (query->type == 0 || query->type == TYPE_OPT ||
      (query->type >= 128 && query->type < TYPE_ANY))
    return refuse(query, BT_DNS_RCODE_NOTIMP);
  if (query->type != BT_DNS_TYPE_A && query->type != BT_DNS_TYPE_AAAA &&
      query->type != BT_DNS_TYPE_PTR)
    return refuse(query, BT_DNS_RCODE_NOERROR);
  if (!host)
    return refuse(query, query->name[0] == '\0' ? BT_DNS_RCODE_NOERROR
                                                : BT_DNS_RCODE_NXDOMAIN);
  return BT_DNS_ASK;
}

BtDnsVerdict
bt_dns_query_parse(const uint8_t *bytes, size_t size, BtDnsQuery *query_out)
{
  Reader reader = { .at = bytes, .left = size };
  uint16_t flags, questions, answers, authorities, additionals, query_class;
  unsigned version = 0;
  bool host;

  memset(query_out, 0, sizeof *query_out);
  query_out->udp_size = BT_DNS_MIN_UDP_SIZE;
  if (!read16(&reader, &query_out->id) || !read16(&reader, &flags) ||
      !read16(&reader, &questions) || !read16(&reader, &answers) ||
      !read16(&reader, &authorities) || !read16(&reader, &additionals) ||
      (flags & FLAG_RESPONSE) != 0)
    return BT_DNS_DROP;
  query_out->recursion_desired = (flags & FLAG_RECURSION_DESIRED) != 0;
  if ((flags & MASK_OPCODE) != 0)
    return refuse(query_out, BT_DNS_RCODE_NOTIMP);
  if (size > BT_DNS_MAX_QUERY_SIZE || questions != 1 || answers != 0 || authorities != 0 ||
      additionals > MAX_ADDITIONAL)
    return refuse(query_out, BT_DNS_RCODE_FORMERR);

  if (!read_name(&reader, query_out->name, &host) || !read16(&reader, &query_out->type) ||
      !read16(&reader, &query_class))
    return refuse(query_out, BT_DNS_RCODE_FORMERR);
  query_out->question_size = (uint16_t)(reader.at - bytes - HEADER_SIZE);
  memcpy(query_out->question, bytes + HEADER_SIZE, query_out->question_size);

  for (unsigned i = 0; i < additionals; i++)
    if (!read_additional(&reader, query_out, &version)) {
      query_out->edns = false;
      query_out->udp_size = BT_DNS_MIN_UDP_SIZE;
      return refuse(query_out, BT_DNS_RCODE_FORMERR);
    }
  clamp_udp_size(query_out);
  if (reader.left != 0)
    return refuse(query_out, BT_DNS_RCODE_FORMERR);
  if (version != 0)
    return refuse(query_out, BT_DNS_RCODE_BADVERS);
  return judge(query_out, query_class, host);
}

/* What is written so far; full once something did not fit. */
typedef struct {
  uint8_t *start;
  size_t size, used;
  bool full;
} Writer;

static void
write_bytes(Writer *writer, const void *bytes, size_t size)
{
  if (writer->full || writer->size - writer->used < size) {
    writer->full = true;
    return;
  }
  memcpy(writer->start + writer->used, bytes, size);
  writer->used += size;
}

static void
write16(Writer *writer, uint16_t value)
{
  const uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };
  write_bytes(writer, bytes, sizeof bytes);
}

static void
write32(Writer *writer, uint32_t value)
{
  write16(writer, (uint16_t)(value >> 16));
  write16(writer, (uint16_t)value);
}

/* Owner: a pointer to the question's name. */
static void
write_record_start(Writer *writer, uint16_t type, uint32_t ttl, uint16_t data_size)
{
  write16(writer, 0xc000 | HEADER_SIZE);
  write16(writer, type);
  write16(writer, CLASS_IN);
  write32(writer, ttl & 0x7fffffff);
  write16(writer, data_size);
}

/* name as labels; 0 if it is not a name. */
static size_t
encode_name(const char *name, uint8_t bytes_out[MAX_NAME_BYTES])
{
  size_t used = 0;

  while (*name != '\0') {
    size_t label = strcspn(name, ".");
    if (label == 0 || label > MAX_LABEL || used + label + 2 > MAX_NAME_BYTES)
      return 0;
    bytes_out[used++] = (uint8_t)label;
    memcpy(bytes_out + used, name, label);
    used += label;
    name += label;
    if (*name == '.')
      name++;
  }
  if (used == 0)
    return 0;
  bytes_out[used++] = 0;
  return used;
}

/* The records of the answer section. Returns how many. */
static uint16_t
write_answers(Writer *writer, const BtDnsQuery *query, const BtDnsReply *reply)
{
  uint16_t count = 0;

  if (query->type == BT_DNS_TYPE_PTR && reply->name != NULL) {
    uint8_t name[MAX_NAME_BYTES];
    size_t size = encode_name(reply->name, name);
    if (size > 0) {
      write_record_start(writer, query->type, reply->ttl, (uint16_t)size);
      write_bytes(writer, name, size);
      count++;
    }
  }
  if (query->type != BT_DNS_TYPE_A && query->type != BT_DNS_TYPE_AAAA)
    return count;
  for (size_t i = 0; i < reply->n_addrs; i++) {
    const BtAddr *addr = &reply->addrs[i];
    bool ipv4 = bt_addr_is_ipv4(addr);
    if (ipv4 != (query->type == BT_DNS_TYPE_A))
      continue;
    write_record_start(writer, query->type, reply->ttl, ipv4 ? 4 : 16);
    write_bytes(writer, addr->bytes + (ipv4 ? 12 : 0), ipv4 ? 4 : 16);
    count++;
  }
  return count;
}

/* EDNS carries the upper bits of a code. */
static void
write_opt(Writer *writer, uint32_t rcode)
{
  write_bytes(writer, "", 1);
  write16(writer, TYPE_OPT);
  write16(writer, BT_DNS_MAX_UDP_SIZE);
  write32(writer, (rcode >> 4 & 0xff) << 24);
  write16(writer, 0);
}

size_t
bt_dns_reply_write(const BtDnsQuery *query, const BtDnsReply *reply, uint8_t *bytes_out,
                   size_t size)
{
  size_t opt_size = query->edns ? OPT_SIZE : 0;
  uint16_t flags = FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE | (reply->rcode & 15);
  uint16_t count = 0;

  if (size < HEADER_SIZE + query->question_size + opt_size)
    return 0;
  Writer writer = { .start = bytes_out,
                    .size = size - opt_size,
                    .used = HEADER_SIZE };
  write_bytes(&writer, query->question, query->question_size);
  size_t before = writer.used;
  if (reply->rcode == BT_DNS_RCODE_NOERROR && query->question_size > 0)
    count = write_answers(&writer, query, reply);
  if (writer.full) {
    writer.used = before;
    writer.full = false;
    flags |= FLAG_TRUNCATED;
    count = 0;
  }
  writer.size = size;
  if (query->edns)
    write_opt(&writer, reply->rcode);
  if (query->recursion_desired)
    flags |= FLAG_RECURSION_DESIRED;

  Writer header = { .start = bytes_out, .size = HEADER_SIZE };
  write16(&header, query->id);
  write16(&header, flags);
  write16(&header, query->question_size > 0 ? 1 : 0);
  write16(&header, count);
  write16(&header, 0);
  write16(&header, query->edns ? 1 : 0);
  return writer.used;
}

bool
bt_dns_frame_next(const uint8_t *bytes, size_t size, const uint8_t **message_out,
                  size_t *size_out, size_t *used_out)
{
  *message_out = NULL;
  *size_out = *used_out = 0;
  if (size < 2)
    return false;
  size_t length = (size_t)bytes[0] << 8 | bytes[1];
  if (length == 0 || length > BT_DNS_MAX_QUERY_SIZE)
    return true;
  if (size - 2 < length)
    return false;
  *message_out = bytes + 2;
  *size_out = length;
  *used_out = 2 + length;
  return true;
}
