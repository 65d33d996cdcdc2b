/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-host-name.h"

#include <string.h>

#define MAX_NAME_LENGTH 253
#define MAX_LABEL_LENGTH 63

static bool
is_name_char(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool
bt_host_name_is_valid(const char name[BT_HOST_NAME_SIZE])
{
  size_t length = strnlen(name, BT_HOST_NAME_SIZE), label = 0;

  if (length == 0 || length > MAX_NAME_LENGTH)
    return false;
  for (size_t i = 0; i < length; i++) {
    if (name[i] == '.' ? label == 0 : !is_name_char(name[i]))
      return false;
    label = name[i] == '.' ? 0 : label + 1;
    if (label > MAX_LABEL_LENGTH)
      return false;
  }
  return label > 0;
}

bool
bt_host_name_read(const uint8_t *bytes, size_t size, char name_out[BT_HOST_NAME_SIZE])
{
  if (size > 0 && bytes[size - 1] == '.')
    size--;
  if (size == 0 || size > MAX_NAME_LENGTH)
    return false;
  for (size_t i = 0; i < size; i++)
    name_out[i] = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] - 'A' + 'a' : bytes[i]);
  name_out[size] = '\0';
  return bt_host_name_is_valid(name_out) && strlen(name_out) == size;
}

bool
bt_host_name_matches(const char *name, const char *host, bool below)
{
  if (!below)
    return strcmp(host, name) == 0;
  size_t length = strlen(name), host_length = strlen(host);
  return length > host_length + 1 && name[length - host_length - 1] == '.' &&
         strcmp(name + length - host_length, host) == 0;
}
