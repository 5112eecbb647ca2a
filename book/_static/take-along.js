/* A page that was opened from a folder, or from a server on the reader's own machine, has no
   address to cite. Elsewhere the address is shown. */
(function () {
  const own = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0)$/;
  if (!location.protocol.startsWith("http") || own.test(location.hostname)) return;
  const address = location.origin + location.pathname;
  for (const line of document.querySelectorAll(".permanent-link")) {
    const link = line.querySelector("a");
    link.href = link.textContent = address;
    line.hidden = false;
  }
})();
