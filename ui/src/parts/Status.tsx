import { Badge } from "@mantine/core";
import { look } from "./states";

export function Status({ state, testId }: { state: string; testId?: string }) {
  const active = state === "running" || state === "RUNNING" || state === "STARTING" || state === "STOPPING";
  return (
    <Badge
      data-testid={testId}
      variant="light"
      color={look(state).badge}
      tt="none"
      radius="sm"
      leftSection={<span aria-hidden className={active ? "running-dot" : undefined} style={{ display: "inline-block", width: 8, height: 8, borderRadius: 4, background: look(state).color }} />}
      miw="max-content"
      styles={{ label: { color: "var(--mantine-color-text)" } }}
    >
      {state}
    </Badge>
  );
}
