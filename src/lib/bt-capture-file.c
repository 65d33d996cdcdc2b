/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-capture-file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-event-stream.h"
#include "lib/bt-write.h"
#include "policy/buntime-error.h"
#include "wire/bt-pcap.h"

/* Emptied only now, when nothing speaks against it. */
static gboolean
begin(int fd)
{
  static const BtPcapHeader header = {
    .magic = BT_PCAP_MAGIC,
    .major = BT_PCAP_MAJOR,
    .minor = BT_PCAP_MINOR,
    .snap_length = BT_PCAP_SNAP_LENGTH,
    .link_type = BT_PCAP_ETHERNET,
  };
  struct stat info;

  if (fstat(fd, &info) != 0 || (S_ISREG(info.st_mode) && ftruncate(fd, 0) != 0))
    return FALSE;
  return bt_write_quietly(fd, (const char *)&header, sizeof header) == sizeof header;
}

int
bt_capture_file_open(const char *path, BtPolicy *policy, GError **error)
{
  g_autofree char *flag = g_strconcat("--pcap=", path, NULL);
  int fd = bt_place_open_file(flag, path, 0, policy, error);

  if (fd < 0 || begin(fd))
    return fd;
  bt_fail(error, BUNTIME_ERROR_SETUP, flag, g_strerror(errno), NULL);
  close(fd);
  return -1;
}
