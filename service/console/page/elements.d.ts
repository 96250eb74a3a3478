/** What elements are made of: see make in dom.js. */

export type Child = Node | string | null | undefined | false;

export interface Attributes {
  [name: string]: string | number | bigint | boolean | null | undefined | ((event: never) => unknown);
  onchange?: (event: Event) => unknown;
  onclick?: (event: MouseEvent) => unknown;
  onkeydown?: (event: KeyboardEvent) => unknown;
  onpointercancel?: (event: PointerEvent) => unknown;
  onpointerdown?: (event: PointerEvent) => unknown;
  onpointerleave?: (event: PointerEvent) => unknown;
  onpointermove?: (event: PointerEvent) => unknown;
  onpointerup?: (event: PointerEvent) => unknown;
}
