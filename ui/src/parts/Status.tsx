import { useT } from "../i18n";
import { look, stateName } from "./states";

/** A state: its colour and its word. Plain elements, for lists have hundreds of them. */
export function Status({ state, testId }: { state: string; testId?: string }) {
  const t = useT();
  const active = state === "running" || state === "RUNNING" || state === "STARTING" || state === "STOPPING";
  const { color } = look(state);
  return (
    <span className="status" style={{ "--state": color } as React.CSSProperties}>
      <span aria-hidden className={active ? "status-dot running-dot" : "status-dot"} />
      <span data-testid={testId}>{stateName(t, state)}</span>
    </span>
  );
}
