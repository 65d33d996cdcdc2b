/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * worker [TEXT]: a worker in C.  It asks what it may do, says TEXT when it knows, answers each
 * request with its text in capitals, and ends when it is told something.
 *
 *   cc worker.c $(pkg-config --cflags --libs buntime-worker-1.0) -o worker
 */
#include <buntime-worker.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
answer(BuntimeChannel *channel, const BuntimeMessage *request)
{
  void *bytes;
  int error = buntime_channel_reserve(channel, request->size, &bytes, -1);

  if (error != 0)
    return error;
  for (size_t i = 0; i < request->size; i++)
    ((char *)bytes)[i] = (char)toupper(((const unsigned char *)request->bytes)[i]);
  error = buntime_channel_commit(channel, BUNTIME_REPLY, request->id, request->size);
  return error == 0 ? buntime_channel_flush(channel) : error;
}

int
main(int argc, char **argv)
{
  const char *text = argc > 1 ? argv[1] : "ready";
  static const char question[] = "github.com:443";
  BuntimeChannel *channel;
  BuntimeMessage message;
  int error = buntime_channel_open(&channel);

  if (error != 0) {
    fprintf(stderr, "worker: no channel: %s\n", strerror(-error));
    return EXIT_FAILURE;
  }
  uint32_t id = buntime_channel_next_id(channel);
  error = buntime_channel_send(channel, BUNTIME_NET_CONNECT, id, question, strlen(question), -1);
  while (error == 0 && (error = buntime_channel_recv(channel, &message, -1)) == 0) {
    if (message.type == BUNTIME_REQUEST)
      error = answer(channel, &message);
    else if (message.type == BUNTIME_MESSAGE) {
      printf("told: %.*s\n", (int)message.size, (const char *)message.bytes);
      break;
    } else if (message.id == id) {
      printf("%s: %s\n", question, message.type == BUNTIME_DENY ? "denied" : "allowed");
      error = buntime_channel_send(channel, BUNTIME_MESSAGE, 0, text, strlen(text), -1);
    }
  }
  buntime_channel_close(channel);
  return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
