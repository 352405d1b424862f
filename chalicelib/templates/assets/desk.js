// Keeps the countdowns going, and lets the keys j and k walk through the queue. Nothing depends on it.
(() => {
  const live = document.getElementById("live");
  if (live) {
    const ahead = Date.parse(live.dataset.now) - Date.now();
    const span = (seconds) => {
      const minutes = Math.floor(seconds / 60), days = Math.floor(minutes / 1440), hours = Math.floor(minutes / 60) % 24, left = minutes % 60;
      if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
      if (hours) return left ? `${hours} h ${left} min` : `${hours} h`;
      return `${left} min`;
    };
    const tick = () => document.querySelectorAll("[data-at]").forEach((each) => {
      const seconds = (Date.parse(each.dataset.at) - Date.now() - ahead) / 1000;
      const said = (seconds < 0 ? live.dataset.late : live.dataset.in).replace("{}", span(Math.abs(seconds)));
      if (each.textContent !== said) each.textContent = said;
    });
    setInterval(tick, 15000);
    document.addEventListener("visibilitychange", tick);
  }
  const rows = [...document.querySelectorAll(".queue h3 a")];
  addEventListener("keydown", (event) => {
    const step = { j: 1, k: -1 }[event.key];
    if (!step || !rows.length || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(at + step, 0), rows.length - 1)].focus();
  });
})();
