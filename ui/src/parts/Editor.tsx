import { useComputedColorScheme } from "@mantine/core";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { sql } from "@codemirror/lang-sql";
import { StreamLanguage } from "@codemirror/language";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { oneDark } from "@codemirror/theme-one-dark";
import { basicSetup, EditorView } from "codemirror";
import { useEffect, useRef } from "react";

export type Syntax = "json" | "sql" | "python" | "shell";

function syntaxOf(syntax: Syntax): Extension {
  switch (syntax) {
    case "json":
      return json();
    case "sql":
      return sql();
    case "python":
      return python();
    case "shell":
      return StreamLanguage.define(shell);
  }
}

interface Props {
  label: string;
  value: string;
  syntax: Syntax;
  onChange?: (value: string) => void;
  height?: number | string;
}

/** A code editor; without `onChange` it is to read only. */
export default function Editor({ label, value, syntax, onChange, height = 360 }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  const scheme = useComputedColorScheme("light");
  const look = useRef(new Compartment());
  useEffect(() => {
    const made = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          basicSetup,
          syntaxOf(syntax),
          look.current.of(scheme === "dark" ? oneDark : []),
          EditorState.readOnly.of(!onChange),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
          EditorView.theme({ "&": { height: "100%", fontSize: "13px" }, ".cm-scroller": { overflow: "auto" } }),
          EditorView.updateListener.of((update) => update.docChanged && changed.current?.(update.state.doc.toString())),
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
    const current = view.current;
    if (current && current.state.doc.toString() !== value) current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: value } });
  }, [value]);
  return <div ref={place} style={{ height, border: "1px solid var(--mantine-color-default-border)", borderRadius: 8, overflow: "hidden" }} />;
}
