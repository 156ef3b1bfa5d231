// A document in, a question asked, over HTTP. `node examples/clients/client.mjs`, with ANNALS_SERVER and ANNALS_TOKEN.
const server = process.env.ANNALS_SERVER ?? "http://127.0.0.1:8420";

async function post(path, body, headers = {}) {
  const answer = await fetch(server + path, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.ANNALS_TOKEN}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(`${found.status}: ${found.detail}`); // problem+json (RFC 9457)
  return found;
}

const document = {
  id: "examples/lovelace",
  title: "Ada Lovelace",
  text: "Ada Lovelace wrote the first program for the Analytical Engine.",
};
await post("/api/v1/documents", document, { "idempotency-key": crypto.randomUUID(), prefer: "wait=25" });
console.log((await post("/api/v1/reasoning/query", { query: "Who wrote the first program?" })).answer);
