"use strict";
// The page is whole without this: it only filters and sorts rows that are there.
(function () {
  const input = document.getElementById("filter");
  if (!input) return;
  const groups = Array.from(document.querySelectorAll("details.group"), (group) => ({
    group,
    open: group.open,
    rows: Array.from(group.querySelectorAll("tbody tr"), (row) => ({ row, text: row.textContent.toLowerCase() })),
  }));
  const shown = document.getElementById("shown");
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let total = 0;
    for (const { group, open, rows } of groups) {
      let count = 0;
      for (const { row, text } of rows) {
        const fits = words.every((word) => text.includes(word));
        row.hidden = !fits;
        count += fits ? 1 : 0;
      }
      group.hidden = count === 0;
      group.open = words.length ? count > 0 : open;
      total += count;
    }
    shown.textContent = words.length ? total + " images" : "";
  };
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  input.closest("p").hidden = false;
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  for (const head of document.querySelectorAll("table.rows thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = head.closest("table").tBodies[0];
      const rows = Array.from(body.rows, (row) => [row.cells[head.cellIndex].textContent, row]);
      rows.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
      body.append(...rows.map((pair) => pair[1]));
    });
  }
})();
