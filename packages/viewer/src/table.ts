/** Tables that are sorted by the column whose head is pressed. */

import { make } from "./dom.js";

export interface Column {
  readonly name: string;
  readonly show: (value: number) => string;
}

export class Table {
  readonly element: HTMLElement;
  private readonly body = make("tbody");
  private readonly heads: HTMLTableCellElement[];
  private rows: readonly (readonly number[])[] = [];
  private by = 0;
  private descending = false;

  constructor(
    caption: string,
    private readonly columns: readonly Column[],
  ) {
    this.heads = columns.map(({ name }, index) => {
      const button = make("button", { type: "button" }, name);
      button.addEventListener("click", () => {
        this.descending = this.by === index ? !this.descending : index > 0;
        this.by = index;
        this.draw();
      });
      return make("th", { scope: "col" }, button);
    });
    const head = make("thead", {}, make("tr", {}, ...this.heads));
    this.element = make("table", {}, make("caption", {}, caption), head, this.body);
  }

  show(rows: readonly (readonly number[])[]): void {
    this.rows = rows;
    this.draw();
  }

  private draw(): void {
    const { by, descending } = this;
    const sign = descending ? -1 : 1;
    const sorted = this.rows.toSorted((a, b) => sign * ((a[by] ?? 0) - (b[by] ?? 0)));
    this.heads.forEach((head, index) => {
      head.setAttribute("aria-sort", index !== by ? "none" : descending ? "descending" : "ascending");
    });
    this.body.replaceChildren(
      ...sorted.map((row) =>
        make("tr", {}, ...row.map((value, index) => make("td", {}, this.columns[index]?.show(value) ?? ""))),
      ),
    );
  }
}
