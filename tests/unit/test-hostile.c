/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hostile workers in real sandboxes, under the library as a host program has it, one after
 * the other; and beside them an honest one, whose answers are looked at and whose calls are
 * timed, alone first.
 *
 *   test-hostile [--seconds=N] [--seed=N] [--beside=N] [--nice=N] [--patience=N]
 *
 * With --nice=19 the hostile ones get what processor time the host and the honest one leave,
 * so that what is timed is how the host treats them, and not how the kernel shares a machine.
 */
#include <gio/gio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "hostile-attack.h"
#include "hostile-report.h"
#include "lib/buntime.h"

#define MAX_BESIDE 16
#define SLOW_EVERY 20
#define MAY_MILLISECONDS 40
#define MAX_ALONE_SECONDS 20

/* Calls by the µs that they took, the last one for all that took longer. */
typedef struct {
  guint64 total, counts[100001];
} Times;

typedef struct {
  BuntimeWorker *worker; /* NULL: none, or it was dropped */
  guint64 random;
  unsigned kind;
  gint64 until;
  gboolean broken, told; /* by events: that it broke the protocol, that it has exited */
  guint open;            /* calls that were not answered */
} Bad;

typedef struct {
  BuntimeWorker *worker;
  Times times; /* of the calls since it was emptied */
  gint64 started;
  guint64 number; /* of the call */
  gboolean waits;
} Honest;

/* After patience it is ended; what was bound to be told must have been told by then. */
static int seconds = 4, beside = 2, niceness, patience = 60;
static gint64 seed = 1;
static guint64 cases, broken, dropped;
static guint64 *by_kind;

static guint
below(Bad *self, guint bound)
{
  return (guint)(hostile_random(&self->random) >> 32) % bound;
}

/* ---- the honest one ---- */

static void
on_answer(GObject *worker, GAsyncResult *result, gpointer data)
{
  Honest *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = buntime_worker_call_finish(self->worker, result, &error);
  g_autofree char *expected = g_strdup_printf("call %" G_GUINT64_FORMAT, self->number);
  gint64 time = hostile_now() - self->started;
  gsize size;

  /* It is told why. */
  if (g_error_matches(error, BUNTIME_ERROR, BUNTIME_ERROR_ENDED))
    return;
  g_assert_no_error(error);
  const char *text = g_bytes_get_data(bytes, &size);
  g_assert_cmpmem(text, size, expected, strlen(expected));
  self->times.counts[CLAMP(time, 0, (gint64)G_N_ELEMENTS(self->times.counts) - 1)]++;
  self->times.total++;
  self->waits = FALSE;
}

static void
on_gone(BuntimeWorker *worker, int status, gpointer data)
{
  const GError *error = buntime_worker_get_error(worker);
  g_error("the honest worker ended with %d%s%s", status, error != NULL ? ": " : "",
          error != NULL ? error->message : "");
}

static void
call(Honest *self)
{
  g_autofree char *text = g_strdup_printf("call %" G_GUINT64_FORMAT, ++self->number);
  g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

  self->waits = TRUE;
  self->started = hostile_now();
  buntime_worker_call(self->worker, bytes, 30000, NULL, on_answer, self);
}

static gint64
percentile(const Times *times, guint percent)
{
  guint64 before = 0;
  gsize i = 0;

  for (; i < G_N_ELEMENTS(times->counts) - 1; i++) {
    before += times->counts[i];
    if (before * 100 >= times->total * percent)
      break;
  }
  return (gint64)i;
}

/* ---- the hostile ones ---- */

static void
on_call_over(GObject *worker, GAsyncResult *result, gpointer data)
{
  Bad *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes =
    buntime_worker_call_finish((BuntimeWorker *)worker, result, &error);

  g_assert_true((bytes != NULL) != (error != NULL));
  self->open--;
}

/* What a host does with a worker, also inside of what it is told by it. */
static void
behave(Bad *self)
{
  g_autofree char *bytes = NULL;
  g_autoptr(GBytes) message = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  gsize size = below(self, 30) == 0 ? below(self, 2 << 20) : below(self, 300);

  bytes = g_malloc0(size + 1);
  message = g_bytes_new(bytes, size);
  switch (below(self, 12)) {
  case 0:
  case 1:
    self->open++;
    buntime_worker_call(self->worker, message, (int)below(self, 100), cancellable, on_call_over,
                        self);
    if (below(self, 4) == 0)
      g_cancellable_cancel(cancellable);
    break;
  case 2:
    self->open++;
    buntime_worker_run_code(self->worker, bytes, (int)below(self, 100), cancellable, on_call_over,
                            self);
    if (below(self, 4) == 0)
      g_cancellable_cancel(cancellable);
    break;
  case 3:
    buntime_worker_reply(self->worker, below(self, 9), message, NULL);
    break;
  case 4:
    buntime_worker_pause_reading(self->worker);
    buntime_worker_resume_reading(self->worker);
    break;
  case 5:
    if (hostile_kind(self->kind) == HOSTILE_MAY && below(self, 8) == 0)
      buntime_worker_stop(self->worker, below(self, 30));
    break;
  default:
    buntime_worker_send(self->worker, message, NULL);
    break;
  }
}

static void
on_told(BuntimeWorker *worker, GBytes *bytes, Bad *self)
{
  if (self->worker != NULL && below(self, 16) == 0)
    behave(self);
  /* Nobody refers to it any more, in the middle of its own signal. */
  if (self->worker != NULL && hostile_kind(self->kind) == HOSTILE_MAY && self->open == 0 &&
      below(self, 2000) == 0) {
    dropped++;
    g_signal_handlers_disconnect_by_data(worker, self);
    g_clear_object(&self->worker);
  }
}

static gboolean
on_request(BuntimeWorker *worker, guint id, GBytes *bytes, Bad *self)
{
  gboolean handled = self->worker != NULL && below(self, 3) == 0 &&
                     hostile_kind(self->kind) == HOSTILE_MAY;

  if (handled)
    buntime_worker_reply(worker, id, bytes, NULL);
  on_told(worker, bytes, self);
  return handled;
}

static void
on_event(BuntimeWorker *worker, BuntimeEvent *event, Bad *self)
{
  g_autofree char *json = buntime_event_to_json(event);

  self->broken = self->broken || strstr(json, "broke the channel's protocol") != NULL;
  self->told = self->told || strstr(json, "\"action\":\"exited\"") != NULL;
}

static void
on_exited(BuntimeWorker *worker, int status, Bad *self)
{
  /* 78: it could change the size of the memory. */
  if (!self->told || status == 78 || status == 9 ||
      (hostile_kind(self->kind) != HOSTILE_MAY && !self->broken))
    g_error("seed %" G_GINT64_FORMAT ": the attack \"%s\" ended with %d, %s", seed,
            hostile_name(self->kind), status,
            self->told ? "and was not told to break the protocol" : "without a word");
  broken += self->broken;
  g_signal_handlers_disconnect_by_data(worker, self);
  g_clear_object(&self->worker);
}

static void
begin(Bad *self, BuntimeSandbox *sandbox, guint64 *random)
{
  g_autoptr(GError) error = NULL;

  *self = (Bad){ .random = hostile_random(random) };
  do
    self->kind = below(self, hostile_count());
  while (hostile_kind(self->kind) == HOSTILE_MUST_SLOWLY && below(self, SLOW_EVERY) != 0);
  if (cases < hostile_count())
    self->kind = (unsigned)cases;
  gboolean must = hostile_kind(self->kind) != HOSTILE_MAY;
  g_autofree char *kind = g_strdup_printf("%u", self->kind);
  g_autofree char *own = g_strdup_printf("%" G_GUINT64_FORMAT, hostile_random(random));
  g_autofree char *time = g_strdup_printf("%u", must ? (guint)patience * 1000 : MAY_MILLISECONDS);
  g_autofree char *priority = g_strdup_printf("%d", niceness);
  const char *const args[] = { kind, own, time, priority, NULL };
  self->worker = buntime_sandbox_spawn(sandbox, BT_TEST_HOSTILE_PEER, args, &error);
  g_assert_no_error(error);
  self->until = hostile_now() + (must ? 2 * patience : 20) * INT64_C(1000000);
  g_signal_connect(self->worker, "message", G_CALLBACK(on_told), self);
  g_signal_connect(self->worker, "request", G_CALLBACK(on_request), self);
  g_signal_connect(self->worker, "event", G_CALLBACK(on_event), self);
  g_signal_connect(self->worker, "exited", G_CALLBACK(on_exited), self);
  behave(self);
  cases++;
  by_kind[self->kind]++;
}

static void
look_after(Bad *self)
{
  if (self->worker == NULL || hostile_now() < self->until)
    return;
  if (hostile_kind(self->kind) != HOSTILE_MAY)
    g_error("seed %" G_GINT64_FORMAT ": the attack \"%s\" is not ended", seed,
            hostile_name(self->kind));
  buntime_worker_stop(self->worker, 0);
}

/* ---- */

static gboolean
on_tick(gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* Calls, and calls; with attackers beside if there are any, each new one after the last. */
static void
run(Honest *honest, Bad *bad, int count, BuntimeSandbox *sandbox, guint64 *random,
    gint64 until)
{
  memset(&honest->times, 0, sizeof honest->times);
  for (gboolean busy = TRUE; busy;) {
    gboolean over = hostile_now() >= until;
    if (!honest->waits && !over)
      call(honest);
    busy = honest->waits || !over;
    for (int i = 0; i < count; i++) {
      if (bad[i].worker == NULL && bad[i].open == 0 && !over)
        begin(&bad[i], sandbox, random);
      look_after(&bad[i]);
      busy = busy || bad[i].worker != NULL || bad[i].open > 0;
    }
    g_main_context_iteration(NULL, TRUE);
  }
}

static void
tell(const char *when, const Times *times)
{
  g_print("  %-8s %" G_GUINT64_FORMAT " calls, p50 %" G_GINT64_FORMAT " us, p99 %" G_GINT64_FORMAT
          " us\n", when, times->total, percentile(times, 50), percentile(times, 99));
}

static void
read_options(int argc, char *argv[])
{
  const GOptionEntry entries[] = {
    { "seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "how long", "N" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &seed, "of the random numbers", "N" },
    { "beside", 0, 0, G_OPTION_ARG_INT, &beside, "hostile workers at once", "N" },
    { "nice", 0, 0, G_OPTION_ARG_INT, &niceness, "of the hostile workers", "N" },
    { "patience", 0, 0, G_OPTION_ARG_INT, &patience, "seconds for what must be told", "N" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_autoptr(GError) error = NULL;

  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error))
    g_error("%s", error->message);
  beside = CLAMP(beside, 1, MAX_BESIDE);
}

/* What was dropped ends in another thread. */
static void
settle(guint descriptors)
{
  for (gint64 until = hostile_now() + 20 * 1000000;
       report_descriptors() > descriptors && hostile_now() < until;)
    g_main_context_iteration(NULL, TRUE);
}

static void
tell_cases(void)
{
  struct rusage usage;

  getrusage(RUSAGE_SELF, &usage);
  g_print("%" G_GUINT64_FORMAT " hostile workers in %ld CPU seconds, %" G_GUINT64_FORMAT
          " broke the protocol, %" G_GUINT64_FORMAT " were dropped\n",
          cases, usage.ru_utime.tv_sec + usage.ru_stime.tv_sec, broken, dropped);
  for (unsigned i = 0; i < hostile_count(); i++)
    g_print("  %-20s %" G_GUINT64_FORMAT "\n", hostile_name(i), by_kind[i]);
}

int
main(int argc, char *argv[])
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  g_autoptr(GError) error = NULL;
  static Honest honest;
  Bad bad[MAX_BESIDE] = { 0 };

  read_options(argc, argv);
  guint64 random = (guint64)seed;
  by_kind = g_new0(guint64, hostile_count());
  honest.worker = buntime_sandbox_spawn(sandbox, BT_TEST_PEER, NULL, &error);
  g_assert_no_error(error);
  g_signal_connect(honest.worker, "exited", G_CALLBACK(on_gone), NULL);
  guint tick = g_timeout_add(50, on_tick, NULL);
  const gint64 second = 1000000;
  run(&honest, bad, 0, sandbox, &random, hostile_now() + CLAMP(seconds / 5, 1, MAX_ALONE_SECONDS) * second);
  tell("alone", &honest.times);
  gint64 alone = percentile(&honest.times, 99);
  /* Once through, so that what is made once was made. */
  run(&honest, bad, beside, sandbox, &random, hostile_now() + second);
  guint descriptors = report_descriptors();
  settle(descriptors);
  gint64 memory = report_memory();
  run(&honest, bad, beside, sandbox, &random, hostile_now() + seconds * second);
  tell("beside", &honest.times);
  g_print("  p99 beside hostile ones / alone: %.2f\n",
          (double)percentile(&honest.times, 99) / (double)MAX(alone, 1));
  settle(descriptors);
  tell_cases();
  gint64 grown = (report_memory() - memory) >> 20;
  g_print("grown by %" G_GINT64_FORMAT " MiB, and %d descriptors\n", grown,
          (int)(report_descriptors() - descriptors));
  g_assert_cmpuint(report_descriptors(), <=, descriptors);
  g_assert_cmpint(grown, <, REPORT_MAX_GROWTH);
  g_source_remove(tick);
  g_signal_handlers_disconnect_by_func(honest.worker, on_gone, NULL);
  g_object_unref(honest.worker);
  g_free(by_kind);
  return 0;
}
