import { useEffect, useState } from "react";
import { useLocation } from "wouter";

/** Asks before unsaved changes are left: by a link of the page (the answer is the address to confirm), or by the browser. */
export function useLeaveGuard(dirty: boolean): { asked: string | null; leave: () => void; stay: () => void } {
  const [, navigate] = useLocation();
  const [asked, setAsked] = useState<string | null>(null);
  useEffect(() => {
    if (!dirty) return;
    const clicked = (event: MouseEvent) => {
      if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
      if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download") || link.origin !== location.origin || !link.pathname.startsWith("/console/")) return;
      if (link.pathname === location.pathname) return;
      event.preventDefault();
      event.stopPropagation();
      setAsked(link.pathname.slice("/console".length) + link.search);
    };
    const closed = (event: BeforeUnloadEvent) => event.preventDefault();
    document.addEventListener("click", clicked, true);
    addEventListener("beforeunload", closed);
    return () => {
      document.removeEventListener("click", clicked, true);
      removeEventListener("beforeunload", closed);
    };
  }, [dirty]);
  return {
    asked,
    leave: () => {
      const to = asked;
      setAsked(null);
      if (to) navigate(to);
    },
    stay: () => setAsked(null),
  };
}
