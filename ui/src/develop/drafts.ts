/** Unsaved edits of this tab: they outlive a step back in the browser, and a page that is loaded anew. */

interface Draft<T> {
  base: T;
  document: T;
}

const name = (key: string) => `arkwright.draft.${key}`;

export function keepDraft<T>(key: string, draft: Draft<T>): void {
  try {
    sessionStorage.setItem(name(key), JSON.stringify(draft));
  } catch {
    // No room: then they are gone with the page, as the browser asks before.
  }
}

export function takeDraft<T>(key: string): Draft<T> | null {
  try {
    const kept = sessionStorage.getItem(name(key));
    return kept ? (JSON.parse(kept) as Draft<T>) : null;
  } catch {
    return null;
  }
}

export const dropDraft = (key: string): void => sessionStorage.removeItem(name(key));
