import { ApiError, headers } from "../api/http";

/** A name that every object storage takes. */
export const plainName = (name: string) => name.replace(/[^\w.-]+/g, "_").replace(/^\.+/, "") || "file";

/** `obs://bucket/key` as an address of the server. */
export function addressOf(path: string): string {
  const found = /^obs:\/\/([^/]+)\/(.+)$/.exec(path.trim());
  if (!found) throw new ApiError(400, "", `${path} must be a path such as obs://bucket/folder/file.`, "");
  return `/obs/${encodeURIComponent(found[1]!)}/${found[2]!.split("/").map(encodeURIComponent).join("/")}`;
}

/** Stores a file as an object; `told` is given how much of it has arrived, 0 to 1. */
export function upload(path: string, file: Blob, told: (part: number) => void = () => {}): Promise<void> {
  const address = addressOf(path);
  // fetch does not tell how much of a body has been sent.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", address);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => told(total ? loaded / total : 0);
    request.onerror = () => reject(new ApiError(0, "", "The server can't be reached.", ""));
    request.onload = () => {
      if (request.status < 300) return resolve();
      let said: { error_code?: string; error_msg?: string; hint?: string } = {};
      try {
        said = JSON.parse(request.responseText) as typeof said;
      } catch {
        // the status alone has to do
      }
      reject(new ApiError(request.status, said.error_code ?? "", said.error_msg ?? request.statusText, said.hint ?? ""));
    };
    request.send(file);
  });
}
