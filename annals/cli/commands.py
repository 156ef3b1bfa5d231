"""Which commands there are, in the order a newcomer meets them."""

from typing import NamedTuple


class Listed(NamedTuple):
    """A command: the module of `annals.cli` that has it, and what it does, in a line."""

    module: str
    what: str


COMMANDS = {
    "up": Listed("up", "Start everything and keep it running."),
    "ingest": Listed("ingest", "Take documents in."),
    "ask": Listed("ask", "Ask a question; get an answer with its sources."),
    "search": Listed("search", "Find passages by words, by meaning and by conditions."),
    "list": Listed("list_", "Documents, by state, attribute, title or id."),
    "entity": Listed("entity", "What documents speak of, and what you decide on it."),
    "review": Listed("review", "What is least sure, with what to do about it."),
    "show": Listed("show", "A document, a chunk, or an entity, and what is around it."),
    "history": Listed("history", "What happened to a document, entity or question."),
    "undo": Listed("undo", "Undo a change, by its event: a deletion, an update, what you corrected."),
    "trace": Listed("trace", "What a request led to, and how long each step took."),
    "delete": Listed("delete", "Delete documents from every read model."),
    "erase": Listed("erase", "Erase a person from all documents that name her."),
    "relation": Listed("relation", "Relations: list, show, correct, validate, reject, undo."),
    "chunk": Listed("chunk", "Chunks of a document: list, update, merge, undo."),
    "chain": Listed("chain", "How an answer was come to: validate, reject, undo."),
    "reprocess": Listed("reprocess", "Make documents that stand still go on."),
    "status": Listed("status", "What there is, what runs, and how far everything is."),
    "replay": Listed("replay", "Build read models anew from the events."),
    "generations": Listed("generations", "The builds of each read model that there are."),
    "diff": Listed("diff", "What differs between two generations, and the event that made it."),
    "verify": Listed("verify", "Check that the read models are what the events say, or the log itself."),
    "checkpoint": Listed("checkpoint", "Sign the log as it is now."),
    "prove": Listed("prove", "Print a proof that an event is in the log."),
    "models": Listed("models", "Models: which serve, and what is kept of what they said."),
    "cache": Listed("cache", "What models said, kept so that no text runs through one twice: clear."),
    "dead-letters": Listed("dead_letters", "What could not be decoded or handled: list, show, retry, drop, resume."),
    "users": Listed("users", "Accounts of users and of programs."),
    "keys": Listed("keys", "API keys of accounts."),
    "tokens": Listed("tokens", "Access tokens, sign-ins, and the keys that sign."),
    "access": Listed("access", "Who may do what, and why."),
    "audit": Listed("audit", "Who did what: list, export, verify."),
    "crypto": Listed("crypto", "Keys that data is encrypted with: list, rotate."),
    "readers": Listed("readers", "Dashboards of others: who may read over PostgreSQL."),
    "threats": Listed("threats", "Accounts and addresses that are blocked for a while: list, unblock."),
    "mcp": Listed("mcp", "Tools for assistants (Model Context Protocol), over standard input and output."),
    "compliance": Listed("compliance", "What of GDPR or SOC 2 holds here; what is kept no longer."),
    "webhooks": Listed("webhooks", "Addresses that events are sent to: add, list, test, rotate, resume, remove."),
    "eval": Listed("evaluate", "Measure answers and retrieval on a corpus with questions."),
    "topics": Listed("topics", "Make the broker agree with topics.yaml, or see where it does not."),
    "export": Listed("export", "Write the whole event store to a file, or a read model for analysts."),
    "import": Listed("import_", "Take an exported event store into an empty one."),
    "run": Listed("run", "Run one role, for production."),
}
