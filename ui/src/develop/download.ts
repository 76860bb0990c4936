import { headers, url } from "../api/http";
import { ApiError } from "../api/http";

/** Saves what a POST answers as a file. */
export async function download(path: string, name: string, body: unknown): Promise<void> {
  const reply = await fetch(url(path), { method: "POST", headers: headers(body), body: JSON.stringify(body), credentials: "same-origin" });
  if (!reply.ok) {
    const said = (await reply.json().catch(() => ({}))) as { error_code?: string; error_msg?: string; hint?: string };
    throw new ApiError(reply.status, said.error_code ?? "", said.error_msg ?? reply.statusText, said.hint ?? "");
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await reply.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
