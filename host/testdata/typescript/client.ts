// A program with a client that was generated from the host's OpenAPI document: what it gets wrong, the compiler refuses.
import createClient from "openapi-fetch";
import type { components, paths } from "./patchbay";

const [url, token, integration] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });

function check(ok: boolean, what: string): void {
  if (!ok) {
    throw new Error(what);
  }
}

async function main(): Promise<void> {
  const accounts = await client.GET("/v1/integrations", { params: { query: { status: "active", limit: 10 } } });
  const found = accounts.data?.items.find((i) => i.id === integration);
  check(found?.platform === "slack", "the account is not listed");

  const sent = await client.POST("/v1/calls", { body: { integration, operation: "send_message", input: { channel: "C1", text: "from TypeScript" } } });
  if (typeof sent.data !== "object") {
    throw new Error("the call has no answer"); // a string is the text of an event stream
  }
  const answer: components["schemas"]["Answer"] = sent.data;
  check(answer.id.startsWith("call_") && answer.attempts === 1, "the answer is wrong");

  const wrong = await client.POST("/v1/calls", { body: { integration, operation: "send_message", input: { channel: 7 } } });
  const problem: components["schemas"]["Problem"] | undefined = wrong.error;
  check(problem?.code === "validation_failed" && problem.status === 422, "a wrong input is not refused");

  const record = await client.GET("/v1/calls/{id}", { params: { path: { id: answer.id } } });
  check(record.data?.kind === "ok", "the record is missing");

  const usage = await client.GET("/v1/usage", { params: { query: { group_by: "platform", since: "1h" } } });
  check(usage.data?.items[0]?.calls === 2, "usage is wrong");

  const alert = await client.POST("/v1/alerts", { body: { name: "Errors", metric: "errors", window: "1h", threshold: 3 } });
  check(alert.data?.state === "ok", "an alert is not made");
  const missing = await client.GET("/v1/alerts/{id}", { params: { path: { id: "alr_x" } } });
  check(missing.error?.code === "not_found", "a missing alert is there");
  console.log("all is well");
}

void main();
