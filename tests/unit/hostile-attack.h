/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a hostile worker does to a channel: random, by a seed.  For one in a sandbox
 * (hostile-peer.c) and one that is a thread beside the host's (test-hostile-link.c).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire/bt-ring-map.h"

typedef struct {
  BtRingMap map; /* its own mapping */
  int memory, wake, control; /* -1: closed by it */
  uint64_t random;
  atomic_bool *stop; /* set by the host; NULL: it is killed instead */
  int64_t until;     /* µs of the monotonic clock */
  bool alone;        /* in a process of its own: may end it */
} Attacker;

typedef enum {
  HOSTILE_MAY, /* whether that breaks the protocol is up to chance, or it does not */
  HOSTILE_MUST, /* it does, and the host must say so */
  HOSTILE_MUST_SLOWLY, /* the same, after some 100,000 messages */
} HostileKind;

unsigned hostile_count(void); /* of kinds of attacks */
const char *hostile_name(unsigned kind);
HostileKind hostile_kind(unsigned kind);
/* Attacks until it is told to stop, or the time is up. */
void hostile_attack(Attacker *self, unsigned kind);

uint64_t hostile_random(uint64_t *state);
int64_t hostile_now(void);
