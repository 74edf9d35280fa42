(() => {
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown"), nothing = document.getElementById("nothing");
  const papers = [...document.querySelectorAll(".theory")].map((section) => ({
    section,
    head: section.querySelector("h2").textContent.toLowerCase(),
    tiles: [...section.querySelectorAll("li")].map((item) => ({ item, text: item.firstChild.title.toLowerCase() })),
  }));
  const filter = () => {
    const verdict = form.verdict.value, paper = form.paper.value;
    const words = form.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { section, head, tiles } of papers) {
      let any = false;
      for (const { item, text } of tiles) {
        const fits = (!paper || section.dataset.paper === paper)
          && (!verdict || item.dataset.standing === verdict || (verdict === "attention" && "attention" in item.dataset))
          && words.every((word) => text.includes(word) || head.includes(word));
        item.hidden = !fits;
        any ||= fits;
        count += fits;
      }
      section.hidden = !any;
    }
    shown.textContent = `${count} shown`;
    nothing.hidden = count > 0;
  };
  steer(form, ["verdict", "paper", "text"], filter, ".theory:not([hidden]) li:not([hidden]) a").restore();
})();
