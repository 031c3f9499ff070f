/** The switch between light and dark. Without a choice the system's setting stands. */

/** @param {HTMLButtonElement} button says what it would change to */
export function themeSwitch(button) {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches);
  const label = () => {
    const to = isDark() ? 'light' : 'dark';
    button.setAttribute('aria-label', `Use the ${to} theme`);
    button.title = `Use the ${to} theme`;
  };
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    try {
      localStorage.setItem('hq.theme', root.dataset.theme);
    } catch {
      // Storage is forbidden: the choice lasts as long as the page.
    }
    label();
  });
  dark.addEventListener('change', label);
  label();
}
