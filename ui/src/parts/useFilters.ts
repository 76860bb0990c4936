import { useCallback, useMemo } from "react";
import { useLocation, useSearch } from "wouter";

/** Filters that live in the address, so that a view can be sent to somebody. What else stands there stays. */
export function useFilters<T extends Record<string, string>>(defaults: T): [T, (change: Partial<T>) => void] {
  const search = useSearch();
  const [location, navigate] = useLocation();
  const filters = useMemo(() => {
    const given = new URLSearchParams(search);
    return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, given.get(name) ?? value])) as T;
  }, [search, defaults]);
  const change = useCallback(
    (wanted: Partial<T>) => {
      const next = new URLSearchParams(search);
      for (const [name, value] of Object.entries({ ...filters, ...wanted })) {
        if (value !== undefined && value !== defaults[name]) next.set(name, String(value));
        else next.delete(name);
      }
      const asked = next.toString();
      navigate(asked ? `${location}?${asked}` : location, { replace: true });
    },
    [search, filters, defaults, location, navigate],
  );
  return [filters, change];
}
