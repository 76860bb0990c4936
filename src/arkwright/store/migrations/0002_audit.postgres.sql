-- Who did what: written once, never changed. `workspace_id` is empty for what happens outside of workspaces.
CREATE TABLE audit (
    id bigint PRIMARY KEY,
    at_ms bigint NOT NULL,
    project_id text NOT NULL,
    workspace_id text NOT NULL,
    user_id text NOT NULL,
    user_name text NOT NULL,
    source text NOT NULL,
    operation text NOT NULL,
    object text NOT NULL,
    outcome text NOT NULL,
    message text NOT NULL,
    request_id text NOT NULL
);

CREATE INDEX audit_newest ON audit (workspace_id, at_ms, id);
