/** Calls of the public API. The session is in a cookie that no script can read; changes prove where they come from. */

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

export interface Place {
  projectId: string;
  workspaceId: string;
}

let place: Place = { projectId: "", workspaceId: "" };
let onLogout: () => void = () => {};

export function setPlace(next: Place): void {
  place = next;
}

export function whenLoggedOut(act: () => void): void {
  onLogout = act;
}

/** Whether there may be a session. Its own cookie no script can see; the second one comes and goes with it. */
export const mayHaveSession = (): boolean => csrf() !== "";

function csrf(): string {
  const found = document.cookie.split("; ").find((each) => each.startsWith("arkwright_csrf="));
  return found ? found.slice("arkwright_csrf=".length) : "";
}

/** `{p}` in a path stands for the project. */
export function url(path: string, query?: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") parameters.set(name, String(value));
  }
  const asked = parameters.toString();
  return path.replace("{p}", place.projectId) + (asked ? `?${asked}` : "");
}

export function headers(body?: unknown): Record<string, string> {
  const made: Record<string, string> = { "X-CSRF-Token": csrf() };
  if (place.workspaceId) made.workspace = place.workspaceId;
  if (body !== undefined) made["Content-Type"] = "application/json";
  return made;
}

async function failure(reply: Response): Promise<ApiError> {
  const text = await reply.text();
  try {
    const shape = JSON.parse(text) as { error_code?: string; error_msg?: string; hint?: string };
    return new ApiError(reply.status, shape.error_code ?? "", shape.error_msg ?? text, shape.hint ?? "");
  } catch {
    return new ApiError(reply.status, "", text || reply.statusText, "");
  }
}

export interface Options {
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
  /** The version that was changed: the server refuses the call (412) where somebody saved another one meanwhile. */
  ifMatch?: number;
  /** Another workspace than the one that is open. */
  workspace?: string;
}

export async function call<T>(method: string, path: string, { query, body, signal, ifMatch, workspace }: Options = {}): Promise<T> {
  const reply = await fetch(url(path, query), {
    method,
    headers: { ...headers(body), ...(ifMatch ? { "If-Match": `"${ifMatch}"` } : {}), ...(workspace ? { workspace } : {}) },
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
    signal,
  });
  if (!reply.ok) {
    const error = await failure(reply);
    if (reply.status === 401 && !path.startsWith("/console/")) onLogout();
    throw error;
  }
  const text = await reply.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const get = <T>(path: string, query?: Record<string, unknown>, signal?: AbortSignal) =>
  call<T>("GET", path, { query, signal });
export const post = <T>(path: string, body?: unknown) => call<T>("POST", path, { body });
export const put = <T>(path: string, body?: unknown) => call<T>("PUT", path, { body });
export const remove = <T>(path: string) => call<T>("DELETE", path);

export interface StreamEvent {
  event: string;
  data: string;
  id: string;
}

/** Server-sent events with our headers, which the browser's own EventSource can't send. First of all it tells `open`. Ends with the stream. `after`: the
 * id of the last event that has come. */
export async function stream(path: string, on: (event: StreamEvent) => void, signal: AbortSignal, query?: Record<string, unknown>, after = ""): Promise<void> {
  const reply = await fetch(url(path, query), {
    headers: { ...headers(), Accept: "text/event-stream", ...(after ? { "Last-Event-ID": after } : {}) },
    credentials: "same-origin",
    signal,
  });
  if (!reply.ok || !reply.body) throw await failure(reply);
  on({ event: "open", data: "", id: "" });
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    let end: number;
    while ((end = rest.indexOf("\n\n")) >= 0) {
      const event = parseEvent(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (event) on(event);
    }
  }
}

export function parseEvent(text: string): StreamEvent | null {
  const event: StreamEvent = { event: "message", data: "", id: "" };
  const data: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith(":")) continue;
    const at = line.indexOf(":");
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (name === "data") data.push(value);
    else if (name === "event") event.event = value;
    else if (name === "id") event.id = value;
  }
  if (!data.length) return null;
  event.data = data.join("\n");
  return event;
}
