/* Browsers start no worker on a page that is opened as a file. The search of the site needs one:
   there, its script runs in a hidden frame. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(script) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html><title>search</title>";
      this.scope = new Promise((resolve) => {
        frame.addEventListener("load", () => {
          const scope = frame.contentWindow;
          scope.postMessage = (data) =>
            this.dispatchEvent(new MessageEvent("message", { data }));
          const element = scope.document.createElement("script");
          element.src = script;
          element.addEventListener("load", () => resolve(scope));
          scope.document.body.append(element);
        });
      });
      document.body.append(frame);
    }

    postMessage(data) {
      this.scope.then((scope) =>
        scope.dispatchEvent(new scope.MessageEvent("message", { data })),
      );
    }
  };
}
