// What both lists share: the address keeps the filter, and keys move through the links that are shown.
const steer = (form, fields, apply, shownLinks) => {
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
    apply();
  };
  form.hidden = false;
  form.addEventListener("input", () => { apply(); remember(); });
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
      const links = [...document.querySelectorAll(shownLinks)];
      const here = links.indexOf(document.activeElement);
      const next = event.key === "j" ? here + 1 : here === -1 ? links.length - 1 : here - 1;
      links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
    } else return;
    event.preventDefault();
  });
  return { remember, restore };
};
