/* Before the first paint, and so a classic script: the theme chosen last, else the system's. */
(() => {
  try {
    const chosen = localStorage.getItem('hq.theme');
    if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is forbidden: the system's theme stands.
  }
})();
