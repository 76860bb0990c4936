/** Named filters of the list of instances. A view is only a part of an address, so it can be sent to somebody; those
 * that somebody names are kept in the browser, like the language and the colours. */

export interface View {
  name: string;
  search: string;
}

const KEPT = "arkwright.views";
const MOST = 50;

export function readViews(workspaceId: string, storage: Pick<Storage, "getItem"> = localStorage): View[] {
  try {
    const found = (JSON.parse(storage.getItem(KEPT) ?? "{}") as Record<string, unknown>)[workspaceId];
    if (!Array.isArray(found)) return [];
    return found.filter((each): each is View => typeof each?.name === "string" && typeof each?.search === "string");
  } catch {
    return []; // not ours, or of an older console
  }
}

export function keepViews(workspaceId: string, views: View[], storage: Pick<Storage, "getItem" | "setItem"> = localStorage): void {
  let all: Record<string, unknown> = {};
  try {
    all = JSON.parse(storage.getItem(KEPT) ?? "{}") as Record<string, unknown>;
  } catch {
    // overwritten
  }
  storage.setItem(KEPT, JSON.stringify({ ...all, [workspaceId]: views.slice(-MOST) }));
}

/** With the view in it, in place of one of the same name. */
export const withView = (views: View[], view: View): View[] => [...views.filter((each) => each.name !== view.name), view];
