// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * TypeScript, run by Bun: the same permissions, held by the same kernel.
 *
 *     buntime run bun_hello.ts
 */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";

async function attempt(what: string, expected: string, action: () => unknown): Promise<void> {
  let came: string;
  try {
    came = `allowed: ${await action()}`;
  } catch (error) {
    came = `refused: ${(error as Error).message}`;
  }
  console.log(`${what}\n  expected ${expected}\n  came     ${came}`);
}

await attempt("Say hello", "allowed", () => `Hello from Bun ${Bun.version} on ${hostname()}`);
await attempt("Write /tmp/note.txt", "allowed", () => Bun.write("/tmp/note.txt", "gone soon"));
await attempt("Read it back", "allowed", () => readFile("/tmp/note.txt", "utf8"));
await attempt("Read /etc/shells", "refused", () => readFile("/etc/shells", "utf8"));
await attempt("Write into your home", "refused", () =>
  Bun.write(`${process.env.HOME}/note.txt`, "x"));
await attempt("Fetch http://192.0.2.7/", "refused", async () =>
  (await fetch("http://192.0.2.7/", { signal: AbortSignal.timeout(2000) })).status);
await attempt("Run uname", "refused", () => Bun.spawnSync(["uname"]).stdout);
