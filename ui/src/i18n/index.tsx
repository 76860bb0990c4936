import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { en, type Key, type Texts } from "./en";

export type { Key } from "./en";

export type Language = "en" | "de" | "zh";
export const LANGUAGES: Record<Language, string> = { en: "English", de: "Deutsch", zh: "中文" };

export type Translate = (key: Key, values?: Record<string, string | number>) => string;

interface Choice {
  language: Language;
  choose: (language: Language) => void;
  t: Translate;
}

const Chosen = createContext<Choice | null>(null);

/** `{name}` is a value; `{count|1 run|# runs}` the first of two texts where it is 1, else the second, with `#` for it. */
export function fill(text: string, values: Record<string, string | number> = {}): string {
  return text.replace(/\{(\w+)(?:\|([^|{}]*)\|([^|{}]*))?\}/g, (whole, name: string, one?: string, several?: string) => {
    if (!(name in values)) return whole;
    const value = String(values[name]);
    if (one === undefined || several === undefined) return value;
    return (value === "1" ? one : several).replaceAll("#", value);
  });
}

function first(): Language {
  const kept = localStorage.getItem("arkwright.language");
  const wanted = kept ?? navigator.language.slice(0, 2);
  return wanted in LANGUAGES ? (wanted as Language) : "en";
}

async function load(language: Language): Promise<Texts> {
  switch (language) {
    case "de":
      return (await import("./de")).de;
    case "zh":
      return (await import("./zh")).zh;
    case "en":
      return en;
  }
}

export function Words({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(first);
  const [texts, setTexts] = useState<Texts | null>(language === "en" ? en : null);
  useEffect(() => {
    let current = true;
    void load(language).then((loaded) => current && setTexts(loaded));
    document.documentElement.lang = language;
    return () => {
      current = false;
    };
  }, [language]);
  const choice = useMemo<Choice>(
    () => ({
      language,
      choose: (next) => {
        localStorage.setItem("arkwright.language", next);
        setLanguage(next);
      },
      t: (key, values) => fill((texts ?? en)[key], values),
    }),
    [language, texts],
  );
  return texts ? <Chosen.Provider value={choice}>{children}</Chosen.Provider> : null;
}

export function useWords(): Choice {
  const choice = useContext(Chosen);
  if (!choice) throw new Error("useWords outside of Words");
  return choice;
}

export const useT = (): Translate => useWords().t;
