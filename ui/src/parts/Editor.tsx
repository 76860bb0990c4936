import { useComputedColorScheme } from "@mantine/core";
import type { CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { StreamLanguage } from "@codemirror/language";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import { keymap } from "@codemirror/view";
import { oneDark } from "@codemirror/theme-one-dark";
import { basicSetup, EditorView } from "codemirror";
import { useEffect, useRef } from "react";
import { completion, type Member } from "../develop/completion";

export type Syntax = "json" | "sql" | "python" | "shell";

/** What expressions may name, for completion while one types. */
export interface Names {
  members: Member[];
  names: string[];
  /** Tables with their columns. */
  tables?: Record<string, string[]>;
}

function syntaxOf(syntax: Syntax, tables?: Record<string, string[]>): Extension {
  switch (syntax) {
    case "json":
      return json();
    case "sql":
      return sql({ dialect: PostgreSQL, upperCaseKeywords: true, schema: tables });
    case "python":
      return python();
    case "shell":
      return StreamLanguage.define(shell);
  }
}

/** As far back as an expression is looked for. */
const BACK = 2_000;

function expressions(names: () => Names | undefined): Extension {
  const source = (context: CompletionContext): CompletionResult | null => {
    const known = names();
    if (!known) return null;
    const from = Math.max(0, context.pos - BACK);
    const text = context.state.doc.sliceString(from, Math.min(context.state.doc.length, context.pos + 1));
    const found = completion(text, context.pos - from, known.members, known.names);
    if (!found) return null;
    return {
      from: from + found.from,
      filter: false,
      options: found.offers.map((offer) => ({
        label: offer.shown,
        apply: (view, _completion, start, end) => view.dispatch({ changes: { from: start, to: end, insert: offer.text }, selection: { anchor: start + offer.text.length - offer.back } }),
      })),
    };
  };
  return EditorState.languageData.of(() => [{ autocomplete: source }]);
}

interface Props {
  label: string;
  value: string;
  syntax: Syntax;
  onChange?: (value: string) => void;
  height?: number | string;
  names?: Names;
  /** Ctrl+Enter, with what is marked. */
  onRun?: () => void;
}

/** A code editor; without `onChange` it is to read only. */
export default function Editor({ label, value, syntax, onChange, height = 360, names, onRun }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const now = useRef({ onChange, onRun, names });
  now.current = { onChange, onRun, names };
  const scheme = useComputedColorScheme("light");
  const look = useRef(new Compartment());
  const language = useRef(new Compartment());
  const dark = useRef(scheme);
  dark.current = scheme;
  useEffect(() => {
    const made = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => { now.current.onRun?.(); return now.current.onRun !== undefined; } }])),
          basicSetup,
          language.current.of(syntaxOf(syntax, now.current.names?.tables)),
          expressions(() => now.current.names),
          look.current.of(dark.current === "dark" ? oneDark : []),
          EditorState.readOnly.of(!onChange),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorView.theme({ "&": { height: "100%", fontSize: "13px" }, ".cm-scroller": { overflow: "auto" } }),
          EditorView.updateListener.of((update) => update.docChanged && now.current.onChange?.(update.state.doc.toString())),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
    // a new editor only where its kind changes; its text is brought in below
  }, [syntax, label, !onChange]); // eslint-disable-line
  useEffect(() => {
    view.current?.dispatch({ effects: look.current.reconfigure(scheme === "dark" ? oneDark : []) });
  }, [scheme]);
  useEffect(() => {
    if (names?.tables) view.current?.dispatch({ effects: language.current.reconfigure(syntaxOf(syntax, names.tables)) });
  }, [names?.tables, syntax]);
  useEffect(() => {
    const current = view.current;
    if (current && current.state.doc.toString() !== value) current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: value } });
  }, [value]);
  return <div ref={place} style={{ height, border: "1px solid var(--mantine-color-default-border)", borderRadius: 8, overflow: "hidden" }} />;
}
