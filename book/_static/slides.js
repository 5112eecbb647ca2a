// Starts a set of slides: mathematics first, since a slide that is hidden cannot be measured.
(() => {
  const page = document.documentElement;
  const asked = new URLSearchParams(location.search);
  const printing = asked.has("print-pdf");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  page.dataset.theme = printing ? "light" : asked.get("theme") || (dark ? "dark" : "light");
  if (!window.MathJax) return; // the list of slides

  // An equation that is too wide for its slide is set smaller.
  const fit = () => {
    for (const box of document.querySelectorAll(".equation .math")) {
      const formula = box.querySelector("mjx-math");
      const width = formula ? formula.getBoundingClientRect().width : 0;
      if (width > box.clientWidth) box.style.fontSize = `${(98 * box.clientWidth) / width}%`;
    }
  };

  const start = async () => {
    fit();
    page.classList.remove("typesetting");
    const deck = new Reveal(document.querySelector(".reveal"), {
      plugins: [RevealNotes],
      width: 1280,
      height: 720,
      margin: 0,
      center: false,
      hash: true,
      slideNumber: "c/t",
      transition: "none",
      backgroundTransition: "none",
      pdfSeparateFragments: false,
      scrollLayout: "compact",
    });
    await deck.initialize();
    const toggle = () => {
      page.dataset.theme = page.dataset.theme === "dark" ? "light" : "dark";
    };
    deck.addKeyBinding({ keyCode: 68, key: "D", description: "Dark or light" }, toggle);
  };

  MathJax.startup = { pageReady: () => MathJax.startup.defaultPageReady().then(start) };
})();
