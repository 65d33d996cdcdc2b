/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker for test-library: what it does is its argument.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "worker/buntime-worker.h"

static int
say(BuntimeChannel *channel, const char *text)
{
  return buntime_channel_send_control(channel, text, strlen(text));
}

static int
reply(BuntimeChannel *channel, uint32_t type, uint32_t id, const char *text)
{
  return buntime_channel_send(channel, type, id, text, strlen(text), -1);
}

/* Repeats messages, answers requests and code, asks once, and ends on "end". */
static int
serve(BuntimeChannel *channel)
{
  BuntimeMessage message;
  char text[64];

  say(channel, "{\"type\":\"hello\",\"version\":1,\"client\":\"test\"}");
  say(channel, "{\"type\":\"ready\"}");
  while (buntime_channel_recv(channel, &message, -1) == 0) {
    uint32_t id = message.id;
    snprintf(text, sizeof text, "%.*s", (int)(message.size < 60 ? message.size : 60),
             (const char *)message.bytes);
    if (message.type == BUNTIME_MESSAGE && strcmp(text, "end") == 0)
      return 7;
    if (message.type == BUNTIME_MESSAGE && strcmp(text, "ask") == 0)
      reply(channel, BUNTIME_NET_CONNECT, 1, "granted.example:443");
    else if (message.type == BUNTIME_MESSAGE)
      buntime_channel_send(channel, BUNTIME_MESSAGE, 0, message.bytes, message.size, -1);
    else if (message.type == BUNTIME_ALLOW || message.type == BUNTIME_DENY)
      reply(channel, BUNTIME_MESSAGE, 0, message.type == BUNTIME_ALLOW ? "yes" : "no");
    else if (message.type == BUNTIME_REQUEST && strcmp(text, "silence") != 0)
      reply(channel, strcmp(text, "fail") == 0 ? BUNTIME_ERROR : BUNTIME_REPLY, id, text);
    else if (message.type == BUNTIME_CODE) {
      say(channel, "{\"type\":\"state\",\"state\":\"exec_start\",\"id\":1}");
      reply(channel, BUNTIME_STDOUT, id, "out");
      reply(channel, BUNTIME_RESULT, id, "42");
    }
  }
  return 8;
}

int
main(int argc, char *argv[])
{
  const char *what = argc > 1 ? argv[1] : "serve";
  BuntimeChannel *channel;

  if (buntime_channel_open(&channel) != 0)
    return 9;
  if (strcmp(what, "control") == 0)
    say(channel, "{\"type\":[[[[");
  else if (strcmp(what, "flood") == 0)
    for (int i = 0; i < 100000; i++)
      say(channel, "{\"type\":\"ready\"}");
  else if (strcmp(what, "request") == 0) {
    BuntimeMessage message;
    reply(channel, BUNTIME_REQUEST, 5, "question");
    while (buntime_channel_recv(channel, &message, -1) == 0 && message.id != 5)
      ;
    return message.type == BUNTIME_REPLY && message.size == 6 &&
               memcmp(message.bytes, "answer", 6) == 0
             ? 0
             : 3;
  } else
    return serve(channel);
  /* Whoever breaks the protocol is ended. */
  pause();
  return 0;
}
