-- Answers to requests that carried an Idempotency-Key, but for those that make instances (see `idempotency`).
-- `status` 0: what was asked has been done, and its answer is not known (any more).
CREATE TABLE answer (
    scope text NOT NULL,
    key text NOT NULL,
    request_digest text NOT NULL,
    status integer NOT NULL,
    sealed_body bytea NOT NULL,
    expires_ms bigint NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE INDEX answer_expiry ON answer (expires_ms);
