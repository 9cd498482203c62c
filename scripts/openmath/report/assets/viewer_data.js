"use strict";
// Blocks of data of the sample viewer: in the page itself, or beside it as scripts, since a page may not fetch from file://.
const viewerData = (() => {
  const KEPT = 400; // blocks in memory; the oldest go
  const inPage = new Map([...document.querySelectorAll("[data-block]")].map((node) => [node.dataset.block, node]));
  const loaded = new Map(), received = new Map();
  window.openmathSamples = (text) => received.set(document.currentScript, text);

  // Content of a block, by its place: report/MODEL/BENCHMARK/NAME, without .js.
  function load(place) {
    if (!loaded.has(place)) {
      if (loaded.size >= KEPT) loaded.delete(loaded.keys().next().value);
      loaded.set(place, read(place));
      loaded.get(place).catch(() => loaded.delete(place)); // to be tried again
    }
    return loaded.get(place);
  }
  async function read(place) {
    const packed = atob(inPage.has(place) ? inPage.get(place).textContent : await beside(place));
    const stream = new Blob([Uint8Array.from(packed, (char) => char.charCodeAt(0))]).stream();
    return new Response(stream.pipeThrough(new DecompressionStream("gzip"))).json();
  }
  // Only places of our own list are asked for. That the script may run at all: 'strict-dynamic' of the page's policy.
  function beside(place) {
    const script = document.createElement("script"), address = `${place.split("/").map(encodeURIComponent).join("/")}.js`;
    return new Promise((resolve, reject) => {
      script.onload = () => resolve(received.get(script));
      script.onerror = () => reject(new Error(`Cannot read ${place}.js. It lies beside this page: copy both.`));
      script.src = address;
      document.head.append(script);
    }).finally(() => {
      script.remove();
      received.delete(script);
    });
  }
  return { load };
})();
