import { Component, type ReactNode } from "react";
import { Problem } from "./Page";

interface Props {
  /** Another one, such as another page, begins anew. */
  place: string;
  children: ReactNode;
}

/** A part that breaks is said to be broken; what is around it stays. */
export class Boundary extends Component<Props, { error: unknown }> {
  state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  componentDidUpdate(before: Props) {
    if (before.place !== this.props.place && this.state.error) this.setState({ error: null });
  }

  render() {
    return this.state.error ? <Problem error={this.state.error} retry={() => this.setState({ error: null })} /> : this.props.children;
  }
}
