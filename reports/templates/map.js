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
  const fields = ["verdict", "paper", "text"];
  const remember = () => {
    const state = new URLSearchParams(fields.map((name) => [name, form[name].value]).filter(([, value]) => value));
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
  };
  const restore = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const name of fields) {
      form[name].value = state.get(name) ?? "";
      if (form[name].selectedIndex === -1) form[name].value = "";
    }
    filter();
  };
  form.hidden = false;
  form.addEventListener("input", () => { filter(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", restore);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches?.("input, select, textarea");
    if (event.key === "Escape" && event.target === form.text) form.text.blur();
    if (typing) return;
    if (event.key === "/") {
      form.text.focus();
      form.text.select();
    } else if (event.key === "j" || event.key === "k") {
      const links = [...document.querySelectorAll(".theory:not([hidden]) li:not([hidden]) a")];
      const here = links.indexOf(document.activeElement);
      const next = event.key === "j" ? here + 1 : here === -1 ? links.length - 1 : here - 1;
      links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
    } else return;
    event.preventDefault();
  });
  restore();
})();
