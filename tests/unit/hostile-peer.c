/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hostile worker for test-hostile: KIND SEED MILLISECONDS NICE.  It knows the channel from
 * its variable, and nothing of libbuntime-worker.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile-attack.h"

int
main(int argc, char *argv[])
{
  const char *channel = getenv("BUNTIME_CHANNEL");
  Attacker self = { .alone = true };
  struct stat info;

  if (argc != 5 || channel == NULL ||
      sscanf(channel, "%d,%d,%d", &self.memory, &self.wake, &self.control) != 3 ||
      fstat(self.memory, &info) != 0 ||
      bt_ring_map_open(&self.map, self.memory,
                       bt_ring_capacity_for((uint64_t)info.st_size)) != 0)
    return 9;
  (void)!nice(atoi(argv[4]));
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  self.random = strtoull(argv[2], NULL, 10);
  self.until = hostile_now() + strtoll(argv[3], NULL, 10) * 1000;
  hostile_attack(&self, (unsigned)strtoul(argv[1], NULL, 10));
  return 0;
}
