// The map looks again at what you have done when it comes into view, and when mouse or keyboard come to it.
hooks.push((picture, { send }) => {
  // In JupyterLab a link opens a tab, not a page; its address holds the folder of this notebook.
  const folder = decodeURIComponent(location.pathname).match(/\/tree\/(.*\/)?[^/]*$/);
  for (const link of folder && document.body.dataset.jpThemeName ? picture.querySelectorAll("a[href$='.ipynb']") : []) {
    link.dataset.commandlinkerCommand = "docmanager:open";
    link.dataset.commandlinkerArgs = JSON.stringify({ path: (folder[1] ?? "") + link.getAttribute("href") });
  }
  if (picture.watched) return;
  let looked = Date.now();
  const look = () => {
    if (Date.now() - looked < 1000) return;
    looked = Date.now();
    send("look", true, { merge: true });
  };
  picture.watched = new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && look());
  picture.watched.observe(picture);
  picture.addEventListener("pointerenter", look);
  picture.addEventListener("focusin", look);
});
