/* Lead the link at the top of the page to the operations, which Swagger UI draws. */
"use strict";

document.querySelector(".skip-to-content-link").href = "#operations";
