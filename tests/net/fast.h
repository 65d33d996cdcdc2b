/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * PROGRAM ADDRESS PORT CLOSED SILENT OP...: each OP on a fresh connection, as "OP: RESULT", an
 * errno's name or what came of it.  At the port CLOSED nobody listens, and at SILENT nobody
 * answers.  For fast.c and escape.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 5000

typedef union {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} Address;

typedef struct {
  const char *name;
  const char *(*function)(void);
} Op;

static Address service, closed, silent;
static socklen_t address_size;
static char text[256];

static const char *
name_of(int error)
{
  const char *name = error == 0 ? "ok" : strerrorname_np(error);
  return name != NULL ? name : "?";
}

/* "ok" or the errno. */
static const char *
said(long result)
{
  return name_of(result >= 0 ? 0 : errno);
}

static Address
address_of(const char *host, int port)
{
  Address address;

  memset(&address, 0, sizeof address);
  if (inet_pton(AF_INET, host, &address.in.sin_addr) == 1) {
    address.in.sin_family = AF_INET;
    address.in.sin_port = htons((uint16_t)port);
    address_size = sizeof address.in;
  } else {
    inet_pton(AF_INET6, host, &address.in6.sin6_addr);
    address.in6.sin6_family = AF_INET6;
    address.in6.sin6_port = htons((uint16_t)port);
    address_size = sizeof address.in6;
  }
  return address;
}

static int
new_socket(int flags)
{
  return socket(service.any.sa_family, SOCK_STREAM | flags, 0);
}

static int
to(int fd, const Address *address)
{
  return connect(fd, &address->any, address_size);
}

static int
connected(void)
{
  int fd = new_socket(0);

  if (fd < 0 || to(fd, &service) != 0) {
    printf("no connection: %s\n", name_of(errno));
    exit(1);
  }
  return fd;
}

__attribute__((unused)) static int
error_of(int fd)
{
  int error = -1;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static short
wait_for(int fd, short events)
{
  struct pollfd one = { fd, events, 0 };
  return poll(&one, 1, TIMEOUT_MS) == 1 ? one.revents : 0;
}

/* Until another thread's connect() has begun: a socket that is not connected hangs up. */
static void
wait_for_begin(int fd)
{
  struct pollfd one = { fd, 0, 0 };

  while (poll(&one, 1, 0) == 1 && (one.revents & POLLHUP) != 0)
    usleep(1000);
}

/* What the other end echoes, or why not. */
static const char *
echo(int fd)
{
  char got[6] = "";

  if (send(fd, "hello", 5, MSG_NOSIGNAL) != 5 || wait_for(fd, POLLIN) == 0 ||
      recv(fd, got, 5, MSG_WAITALL) != 5)
    return name_of(errno);
  return strcmp(got, "hello") == 0 ? "echoed" : "other bytes";
}

/* Has the sandbox's own network this connection? */
__attribute__((unused)) static const char *
way(int fd)
{
  Address own;
  socklen_t size = sizeof own;
  char line[512], port[8];
  int inside = 0;
  FILE *table = fopen(service.any.sa_family == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6", "r");

  if (table == NULL || getsockname(fd, &own.any, &size) != 0)
    return "?";
  snprintf(port, sizeof port, ":%04X ", ntohs(own.in.sin_port));
  while (fgets(line, sizeof line, table) != NULL)
    inside |= strstr(line, port) != NULL;
  fclose(table);
  return inside ? "inside" : "outside";
}

static void
send_fd(int channel, int fd)
{
  char control[CMSG_SPACE(sizeof fd)] = "", byte = 0;
  struct iovec iovec = { &byte, 1 };
  struct msghdr message = { .msg_iov = &iovec, .msg_iovlen = 1, .msg_control = control,
                            .msg_controllen = sizeof control };
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);

  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(part), &fd, sizeof fd);
  sendmsg(channel, &message, 0);
}

static int
receive_fd(int channel)
{
  char control[CMSG_SPACE(sizeof(int))], byte;
  struct iovec iovec = { &byte, 1 };
  struct msghdr message = { .msg_iov = &iovec, .msg_iovlen = 1, .msg_control = control,
                            .msg_controllen = sizeof control };
  int fd = -1;

  if (recvmsg(channel, &message, 0) == 1 && CMSG_FIRSTHDR(&message) != NULL)
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static int
run(const Op *ops, unsigned count, int argc, char **argv)
{
  if (argc < 6)
    return 2;
  service = address_of(argv[1], atoi(argv[2]));
  closed = address_of(argv[1], atoi(argv[3]));
  silent = address_of(argv[1], atoi(argv[4]));
  setvbuf(stdout, NULL, _IONBF, 0);
  for (int i = 5; i < argc; i++)
    for (unsigned j = 0; j < count; j++)
      if (strcmp(ops[j].name, argv[i]) == 0)
        printf("%s: %s\n", argv[i], ops[j].function());
  return 0;
}
