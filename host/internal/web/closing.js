// Tells the window that opened this one how the connection ended, if it is of this host, and closes this window where it may.
"use strict";
const { ok, integration, code } = document.body.dataset;
if (window.opener) {
  window.opener.postMessage({ type: "patchbay.connection", ok: ok === "true", integration, code }, window.location.origin);
  if (ok === "true") setTimeout(() => window.close(), 1200);
}
