/** How states look and are called; one place, so that a colour means one thing everywhere. */
import type { Key, Translate } from "../i18n";
import { en } from "../i18n/en";

export interface Look {
  color: string;
  badge: string;
}

const LOOKS: Record<string, Look> = {
  waiting: { color: "var(--state-waiting)", badge: "gray" },
  "waiting-confirm": { color: "var(--state-pause)", badge: "orange" },
  running: { color: "var(--state-running)", badge: "blue" },
  "running-exception": { color: "var(--state-pause)", badge: "orange" },
  pause: { color: "var(--state-pause)", badge: "orange" },
  success: { color: "var(--state-success)", badge: "green" },
  fail: { color: "var(--state-fail)", badge: "red" },
  "manual-stop": { color: "var(--state-stop)", badge: "grape" },
  freeze: { color: "var(--state-pause)", badge: "cyan" },
  skip: { color: "var(--state-skip)", badge: "gray" },
  "skip-by-depend": { color: "var(--state-skip)", badge: "gray" },
  SCHEDULING: { color: "var(--state-success)", badge: "green" },
  NORMAL: { color: "var(--state-success)", badge: "green" },
  STARTING: { color: "var(--state-running)", badge: "blue" },
  STOPPING: { color: "var(--state-running)", badge: "blue" },
  PAUSED: { color: "var(--state-pause)", badge: "orange" },
  EXCEPTION: { color: "var(--state-fail)", badge: "red" },
  WAITING: { color: "var(--state-waiting)", badge: "gray" },
  RUNNING: { color: "var(--state-running)", badge: "blue" },
  SUCCESS: { color: "var(--state-success)", badge: "green" },
  FAIL: { color: "var(--state-fail)", badge: "red" },
  CANCEL: { color: "var(--state-stop)", badge: "grape" },
  STOPPED: { color: "var(--state-waiting)", badge: "gray" },
};

/** The state in words; one that the console does not know is shown as the server says it. */
export function stateName(t: Translate, state: string): string {
  const key = `state.${state}`;
  return key in en ? t(key as Key) : state;
}

export function look(state: string): Look {
  return LOOKS[state] ?? { color: "var(--state-waiting)", badge: "gray" };
}
