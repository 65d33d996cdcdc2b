// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A host program for Bun and Node, which cannot use libbuntime: `buntime serve` is it for them, by
 * lines of JSON (buntime-serve(7)).
 *
 *     bun data/examples/serve.ts
 *     node data/examples/serve.ts           (from 23.6 on, which drops the types by itself)
 *
 * It starts worker.ts in a sandbox and calls its functions, which are promises here; then it lets
 * an interpreter that takes code compute something.  However this program ends, the server ends
 * with it, and the workers with that.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

type Params = Record<string, any>;

/** `buntime serve` with pipes: do() makes a request, on() is told what workers do. */
class Server {
  #process = spawn("buntime", ["serve"], { stdio: ["pipe", "pipe", "inherit"] });
  #waiting = new Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>();
  #listeners: ((method: string, params: Params) => void)[] = [];
  #last = 0;
  #over: Error | null = null;

  constructor() {
    this.#process.on("error", (error) => this.#end(error));
    this.#process.on("exit", () => this.#end(new Error("buntime serve has ended")));
    // It does not read any more: it is ending, which is told by the above.
    this.#process.stdin.on("error", () => {});
    createInterface({ input: this.#process.stdout }).on("line", (line) => this.#take(JSON.parse(line)));
  }

  do(method: string, params: Params = {}): Promise<any> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      if (this.#over !== null)
        return reject(this.#over);
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdin.write(JSON.stringify({ id, method, params }) + "\n");
    });
  }

  on(listener: (method: string, params: Params) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#process.stdin.end();
  }

  #take(line: { id?: number, result?: any, error?: Params, method?: string, params?: Params }): void {
    if (line.method !== undefined) {
      for (const listener of this.#listeners)
        listener(line.method, line.params!);
      return;
    }
    const waiting = this.#waiting.get(line.id!);
    this.#waiting.delete(line.id!);
    if (line.error !== undefined)
      waiting?.reject(new Error(line.error.message));
    else
      waiting?.resolve(line.result);
  }

  #end(error: Error): void {
    this.#over ??= error;
    for (const { reject } of this.#waiting.values())
      reject(error);
    this.#waiting.clear();
  }
}

/** Calls a function of the worker's; what comes back is the worker's word, whatever it is. */
async function call(server: Server, worker: number, method: string, ...params: unknown[]): Promise<unknown> {
  const text = JSON.stringify({ method, params });
  return JSON.parse((await server.do("call", { worker, text, timeout: 10000 })).text);
}

/** A terminal would obey what a worker writes, and what it answers may be anything. */
function shown(words: unknown): string {
  return String(words).trimEnd().replace(/\p{C}/gu, "?");
}

async function main(server: Server): Promise<void> {
  let exited = () => {};
  const gone = new Promise<void>((resolve) => { exited = resolve; });
  server.on((method, params) => {
    if (method === "output")
      console.log("it writes:", shown(params.text ?? "(bytes)"));
    else if (method === "event" && params.event.action === "deny")
      console.log("refused:", shown(`${params.event.kind} ${params.event.object}`));
    else if (method === "exited")
      exited();
  });

  const entry = join(dirname(fileURLToPath(import.meta.url)), "worker.ts");
  const { worker } = await server.do("spawn", { entry, flags: ["--timeout=60s"] });
  console.log("words:", shown(await call(server, worker, "countWords", "the quick brown fox")));
  await call(server, worker, "phoneHome", "example.com")
    .then((status) => console.log("it is", shown(status)), () => console.log("phoneHome failed"));
  await server.do("stop", { worker, grace: 1000 });
  await gone;

  const python = (await server.do("spawn", { flags: ["--worker=python", "--timeout=60s"] })).worker;
  console.log("6 * 7 is", shown((await server.do("run_code", { worker: python, code: "6 * 7" })).value));
}

const server = new Server();
main(server)
  .catch((error) => {
    console.error(shown(error.message));
    process.exitCode = 1;
  })
  .finally(() => server.close());
