-- Answers to requests that carried an Idempotency-Key, but for those that make instances (see `idempotency`).
-- `status` 0: what was asked has been done, and its answer is not known (any more).
CREATE TABLE answer (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    status INTEGER NOT NULL,
    sealed_body BLOB NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;

CREATE INDEX answer_expiry ON answer (expires_ms);
