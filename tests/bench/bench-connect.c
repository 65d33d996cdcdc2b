/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connects to an IPv4 address and port and says when it was connected, for bench-start. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  struct timespec time;

  if (argc != 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1)
    return 2;
  address.sin_port = htons((uint16_t)atoi(argv[2]));
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("connect");
    return 1;
  }
  clock_gettime(CLOCK_MONOTONIC, &time);
  int64_t nanoseconds = time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
  return write(1, &nanoseconds, sizeof nanoseconds) == sizeof nanoseconds ? 0 : 1;
}
