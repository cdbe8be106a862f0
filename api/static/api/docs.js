/* Point the skip link of the page to the operations, which Swagger UI renders. */
"use strict";

document.querySelector(".skip-to-content-link").href = "#operations";
