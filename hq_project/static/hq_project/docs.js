// Shows the schema in Swagger UI. Calls made from the page carry the CSRF cookie as the header.
"use strict";

const place = /** @type {HTMLElement} */ (document.getElementById("docs"));

/** @returns {string} */
function csrfToken() {
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith("csrftoken="));
  return found ? found.slice("csrftoken=".length) : "";
}

// @ts-ignore SwaggerUIBundle comes from the script before this one.
SwaggerUIBundle({
  domNode: place,
  url: place.dataset.schema,
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (/** @type {any} */ request) => {
    if (request.method !== "GET") request.headers["X-CSRFToken"] = csrfToken();
    return request;
  },
});
