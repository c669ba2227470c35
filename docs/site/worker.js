/* Search runs in a worker, which a page opened from a disk may not start: a hidden frame
   of the same page stands in for it. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) => {
        const event = new MessageEvent("message", { data });
        if (this.onmessage) this.onmessage(event);
        this.dispatchEvent(event);
      };
      inside.importScripts = (...urls) =>
        urls.reduce((before, next) => before.then(() => add(next)), Promise.resolve());
      const own = new URL(url, document.baseURI);
      const add = (source) =>
        new Promise((done, failed) => {
          const script = inside.document.createElement("script");
          script.src = new URL(source, own).href;
          script.onload = done;
          script.onerror = failed;
          inside.document.body.append(script);
        });
      this.inside = inside;
      this.ready = add(own);
    }
    postMessage(data) {
      this.ready = this.ready.then(() =>
        this.inside.dispatchEvent(new MessageEvent("message", { data })),
      );
    }
    terminate() {}
  };
}
