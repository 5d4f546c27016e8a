// Runs before anything is drawn, so that a dark page never flashes white.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("prefect-lineage-theme");
  } catch (refused) {
    theme = null; // a sandboxed frame has no storage: the system's choice counts
  }
  if (theme !== "light" && theme !== "dark") {
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = theme;
})();
