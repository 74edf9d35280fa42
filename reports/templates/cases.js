(() => {
  const form = document.getElementById("filter");
  const table = document.querySelector("table.index");
  const shown = document.getElementById("shown"), nothing = document.getElementById("nothing");
  const standings = [...form.verdict.options].map((option) => option.value);
  const cell = (row, name) => row.querySelector(`td.${name}`)?.textContent.trim() ?? "";
  // A formula is searched for as it is written in plain text, too.
  const textOf = (row) => [row, ...row.querySelectorAll("math")]
    .map((one) => one.getAttribute("alttext") ?? one.textContent).join(" ").toLowerCase();
  const amount = (text) => (text === "" || Number.isNaN(parseFloat(text)) ? null : parseFloat(text));
  const keys = {
    verdict: (row) => standings.indexOf(row.dataset.standing),
    case: (row) => row.querySelector("td.name a").textContent,
    measured: (row) => amount(row.querySelector("td.value b")?.textContent ?? ""),
    tolerance: (row) => cell(row, "tolerance") || null,
    headroom: (row) => amount(cell(row, "headroom")),
    seeds: (row) => amount(cell(row, "seeds")),
    change: (row) => cell(row, "change") || null,
  };
  const heads = [...table.querySelectorAll("thead th[data-key]")];
  const claims = [...table.tBodies].map((body) => ({
    body, head: body.rows[0], text: body.rows[0].textContent.toLowerCase(),
    rows: [...body.rows].slice(1).map((row) => ({ row, text: textOf(row) })),
  }));
  const compare = (a, b, turn) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return turn * (typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
  };

  const filter = () => {
    const verdict = form.verdict.value, paper = form.paper.value;
    const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const claim of claims) {
      let any = false;
      const inPaper = !paper || claim.body.dataset.paper === paper;
      for (const { row, text } of claim.rows) {
        const fits = inPaper
          && (!verdict || row.dataset.standing === verdict || (verdict === "attention" && "attention" in row.dataset))
          && words.every((word) => text.includes(word) || claim.text.includes(word));
        if (row.hidden === fits) row.hidden = !fits;
        any ||= fits;
        count += fits;
      }
      if (claim.body.hidden === any) claim.body.hidden = !any;
    }
    shown.textContent = `${count} shown`;
    nothing.hidden = count > 0;
  };

  // Rows stay with their claim; claims stand in the order of their first row.
  let sorted = "";
  const sort = () => {
    const [key, down] = form.sort.value.split("-");
    for (const head of heads) {
      head.setAttribute("aria-sort", head.dataset.key !== key ? "none" : down ? "descending" : "ascending");
    }
    if (form.sort.value === sorted) return;
    sorted = form.sort.value;
    const turn = down ? -1 : 1;
    const order = claims.map((claim) => {
      const rows = claim.rows.map(({ row }) => ({ row, at: key ? keys[key](row) : 0 }));
      if (key) rows.sort((a, b) => compare(a.at, b.at, turn));
      return { claim, rows, at: rows[0]?.at ?? null };
    });
    if (key) order.sort((a, b) => compare(a.at, b.at, turn));
    for (const { claim, rows } of order) claim.body.append(...rows.map(({ row }) => row));
    table.append(...order.map(({ claim }) => claim.body));
  };

  const { remember, restore } = steer(
    form, ["verdict", "paper", "text", "sort"], () => { filter(); sort(); },
    "table.index tbody:not([hidden]) tr.case:not([hidden]) td.name a",
  );

  for (const head of heads) {
    const { key } = head.dataset, button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    for (const [suffix, sign] of [["", "↑"], ["-down", "↓"]]) {
      form.sort.add(new Option(`${button.textContent.toLowerCase()} ${sign}`, key + suffix));
    }
    button.addEventListener("click", () => {
      form.sort.value = form.sort.value === key ? `${key}-down` : form.sort.value === `${key}-down` ? "" : key;
      sort();
      remember();
    });
  }
  restore();
})();
