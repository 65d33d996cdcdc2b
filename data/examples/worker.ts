// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A worker in TypeScript: two functions that a host program calls, serve.ts beside it.
 *
 * buntime is there without being installed; by itself, outside of a sandbox, this program ends
 * at once.
 */
import { channel, permissions } from "buntime";

const host = channel();

host.handle("countWords", (text: string) => text.split(/\s+/).length);

/* What nobody asked for.  A rejection goes back to the caller as its text. */
host.handle("phoneHome", async (name: string) => {
  // Whoever reads a policy can ask what it means, without trying.
  console.log(`${name}?`, (await permissions.query("net", `${name}:80`)).state);
  const answer = await fetch(`http://${name}/`, { signal: AbortSignal.timeout(5000) });
  return answer.status;
});

await host.serve();
