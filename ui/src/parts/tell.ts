import { notifications } from "@mantine/notifications";
import { ApiError } from "../api/http";

export function tellDone(message: string): void {
  notifications.show({ message, color: "green" });
}

export function tellError(error: unknown): void {
  const hint = error instanceof ApiError && error.hint ? ` ${error.hint}` : "";
  notifications.show({ message: `${error instanceof Error ? error.message : String(error)}${hint}`, color: "red", autoClose: 10_000 });
}
