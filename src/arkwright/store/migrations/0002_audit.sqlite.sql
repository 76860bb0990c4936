-- Who did what: written once, never changed. `workspace_id` is empty for what happens outside of workspaces.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    project_id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_name TEXT NOT NULL,
    source TEXT NOT NULL,
    operation TEXT NOT NULL,
    object TEXT NOT NULL,
    outcome TEXT NOT NULL,
    message TEXT NOT NULL,
    request_id TEXT NOT NULL
);

CREATE INDEX audit_newest ON audit (workspace_id, at_ms, id);
