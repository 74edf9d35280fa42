(() => {
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const apply = () => {
    const verdict = form.verdict.value, paper = form.paper.value;
    const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const claim of document.querySelectorAll("tbody.claim")) {
      const head = claim.querySelector(".claim-head").textContent.toLowerCase();
      let any = false;
      for (const row of claim.querySelectorAll("tr.case")) {
        const text = head + " " + row.textContent.toLowerCase();
        const fits = (!verdict || row.dataset.standing === verdict || (verdict === "attention" && "attention" in row.dataset))
          && (!paper || claim.dataset.paper === paper) && words.every((word) => text.includes(word));
        row.hidden = !fits;
        any = any || fits;
        count += fits;
      }
      claim.hidden = !any;
    }
    shown.textContent = `${count} shown`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
})();
