/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-control.h"

#include <string.h>

const char *const bt_control_states[] = {
  [BT_CONTROL_EXEC_START] = "exec_start",
  [BT_CONTROL_EXEC_END] = "exec_end",
  [BT_CONTROL_EXCEPTION] = "exception",
  [BT_CONTROL_INTERRUPTED] = "interrupted",
};
static const char *const types[] = { "hello", "ready", "state" };

#define N_TYPES (sizeof types / sizeof types[0])
#define N_STATES (sizeof bt_control_states / sizeof bt_control_states[0])

typedef struct {
  const uint8_t *at, *end;
} Reader;

typedef struct {
  char *bytes; /* BT_CONTROL_MAX_TEXT of them */
  size_t length;
  bool full;
} Text;

enum {
  KEY_TYPE,
  KEY_STATE,
  KEY_VERSION,
  KEY_ID,
  KEY_EXIT_CODE,
  KEY_NAME,
  KEY_CLIENT,
  KEY_TEXT,
  N_KEYS,
};
static const char *const keys[N_KEYS] = {
  "type", "state", "version", "id", "exitCode", "name", "client", "text",
};

static void
skip_blank(Reader *self)
{
  while (self->at < self->end && (*self->at == ' ' || *self->at == '\t' || *self->at == '\n' ||
                                  *self->at == '\r'))
    self->at++;
}

static bool
take(Reader *self, uint8_t byte)
{
  skip_blank(self);
  if (self->at == self->end || *self->at != byte)
    return false;
  self->at++;
  return true;
}

/* The length of a well-formed character of UTF-8; 0: it is none. */
static size_t
character(const uint8_t *at, const uint8_t *end)
{
  uint8_t first = *at;
  size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3
                                                                        : first < 0xf5 ? 4 : 0;
  if (length == 0 || (size_t)(end - at) < length)
    return 0;
  for (size_t i = 1; i < length; i++)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  /* Longer than need be, a surrogate, or beyond the last. */
  if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
      (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
    return 0;
  return length;
}

/* Whole characters, as long as there is room; the rest is left out. */
static void
append(Text *self, const uint8_t *bytes, size_t count)
{
  /* Nothing shorter that follows may close a gap. */
  self->full = self->full || self->length + count >= BT_CONTROL_MAX_TEXT;
  if (self->full)
    return;
  memcpy(self->bytes + self->length, bytes, count);
  self->length += count;
}

static bool
hex4(Reader *self, uint32_t *value_out)
{
  *value_out = 0;
  if (self->end - self->at < 4)
    return false;
  for (int i = 0; i < 4; i++) {
    uint8_t c = *self->at++;
    uint32_t digit = c >= '0' && c <= '9'   ? c - '0'
                     : c >= 'a' && c <= 'f' ? c - 'a' + 10
                     : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                            : 16u;
    if (digit == 16)
      return false;
    *value_out = *value_out * 16 + digit;
  }
  return true;
}

static size_t
encode(uint32_t c, uint8_t bytes[4])
{
  if (c < 0x80) {
    bytes[0] = (uint8_t)c;
    return 1;
  }
  if (c < 0x800) {
    bytes[0] = (uint8_t)(0xc0 | c >> 6);
    bytes[1] = (uint8_t)(0x80 | (c & 0x3f));
    return 2;
  }
  if (c < 0x10000) {
    bytes[0] = (uint8_t)(0xe0 | c >> 12);
    bytes[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    bytes[2] = (uint8_t)(0x80 | (c & 0x3f));
    return 3;
  }
  bytes[0] = (uint8_t)(0xf0 | c >> 18);
  bytes[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
  bytes[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
  bytes[3] = (uint8_t)(0x80 | (c & 0x3f));
  return 4;
}

/* Behind a backslash. NUL is refused: what follows it would be unseen. */
static bool
escape(Reader *self, uint8_t bytes[4], size_t *count_out)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  uint32_t c, low;

  if (self->at == self->end)
    return false;
  uint8_t kind = *self->at++;
  if (kind != 'u') {
    const char *found = kind != 0 ? strchr(from, kind) : NULL;
    if (found == NULL)
      return false;
    bytes[0] = (uint8_t)to[found - from];
    *count_out = 1;
    return true;
  }
  if (!hex4(self, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000))
    return false;
  if (c >= 0xd800 && c < 0xdc00) {
    if (self->end - self->at < 6 || self->at[0] != '\\' || self->at[1] != 'u')
      return false;
    self->at += 2;
    if (!hex4(self, &low) || low < 0xdc00 || low >= 0xe000)
      return false;
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  }
  *count_out = encode(c, bytes);
  return true;
}

static bool
string(Reader *self, char bytes_out[BT_CONTROL_MAX_TEXT])
{
  Text text = { .bytes = bytes_out };

  if (!take(self, '"'))
    return false;
  while (self->at < self->end && *self->at != '"') {
    uint8_t bytes[4];
    size_t count;
    if (*self->at == '\\') {
      self->at++;
      if (!escape(self, bytes, &count))
        return false;
      append(&text, bytes, count);
      continue;
    }
    count = *self->at < 0x20 ? 0 : character(self->at, self->end);
    if (count == 0)
      return false;
    append(&text, self->at, count);
    self->at += count;
  }
  if (self->at == self->end)
    return false;
  self->at++;
  bytes_out[text.length] = '\0';
  return true;
}

static bool
number(Reader *self, int64_t *value_out)
{
  int64_t value = 0;
  bool negative;

  skip_blank(self);
  negative = self->at < self->end && *self->at == '-';
  if (negative)
    self->at++;
  const uint8_t *first = self->at;
  while (self->at < self->end && *self->at >= '0' && *self->at <= '9') {
    if (self->at - first >= 10)
      return false;
    value = value * 10 + (*self->at++ - '0');
  }
  if (self->at == first || (*first == '0' && self->at - first > 1))
    return false;
  *value_out = negative ? -value : value;
  return true;
}

static bool
word(Reader *self)
{
  static const char *const words[] = { "true", "false", "null" };

  for (size_t i = 0; i < 3; i++) {
    size_t length = strlen(words[i]);
    if ((size_t)(self->end - self->at) >= length && memcmp(self->at, words[i], length) == 0) {
      self->at += length;
      return true;
    }
  }
  return false;
}

/* Of a key that is not known. */
static bool
skip_value(Reader *self)
{
  char text[BT_CONTROL_MAX_TEXT];
  int64_t value;

  skip_blank(self);
  if (self->at == self->end)
    return false;
  if (*self->at == '"')
    return string(self, text);
  return *self->at == '-' || (*self->at >= '0' && *self->at <= '9') ? number(self, &value)
                                                                    : word(self);
}

static bool
one_of(Reader *self, const char *const *words, size_t count, uint32_t *index_out)
{
  char text[BT_CONTROL_MAX_TEXT];

  if (!string(self, text))
    return false;
  for (uint32_t i = 0; i < count; i++)
    if (strcmp(words[i], text) == 0) {
      *index_out = i;
      return true;
    }
  return false;
}

static bool
take_value(Reader *self, int key, BtControl *message)
{
  uint32_t index;
  int64_t value;

  switch (key) {
  case KEY_TYPE:
    if (!one_of(self, types, N_TYPES, &index))
      return false;
    message->type = (BtControlType)index;
    return true;
  case KEY_STATE:
    if (!one_of(self, bt_control_states, N_STATES, &index))
      return false;
    message->state = (BtControlState)index;
    return true;
  case KEY_VERSION:
  case KEY_ID:
    if (!number(self, &value) || value < 0 || value > UINT32_MAX)
      return false;
    *(key == KEY_ID ? &message->id : &message->version) = (uint32_t)value;
    return true;
  case KEY_EXIT_CODE:
    if (!number(self, &value) || value < INT32_MIN || value > INT32_MAX)
      return false;
    message->exit_code = (int32_t)value;
    return true;
  case KEY_NAME:
  case KEY_CLIENT:
    return string(self, message->name);
  case KEY_TEXT:
    return string(self, message->text);
  default:
    return skip_value(self);
  }
}

static int
find_key(const char *name)
{
  for (int i = 0; i < N_KEYS; i++)
    if (strcmp(keys[i], name) == 0)
      return i;
  return N_KEYS;
}

bool
bt_control_parse(const void *bytes, size_t size, BtControl *message_out)
{
  Reader self = { bytes, (const uint8_t *)bytes + size };
  unsigned seen = 0;

  memset(message_out, 0, sizeof *message_out);
  if (size > BT_CONTROL_MAX_SIZE || !take(&self, '{'))
    return false;
  do {
    char name[BT_CONTROL_MAX_TEXT];
    if (!string(&self, name) || !take(&self, ':'))
      return false;
    int key = find_key(name);
    if (key < N_KEYS && (seen & 1u << key) != 0)
      return false;
    seen |= key < N_KEYS ? 1u << key : 0;
    if (!take_value(&self, key, message_out))
      return false;
  } while (take(&self, ','));
  if (!take(&self, '}'))
    return false;
  skip_blank(&self);
  return self.at == self.end && (seen & 1u << KEY_TYPE) != 0 &&
         (message_out->type != BT_CONTROL_STATE || (seen & 1u << KEY_STATE) != 0) &&
         (message_out->type != BT_CONTROL_HELLO || (seen & 1u << KEY_VERSION) != 0);
}
