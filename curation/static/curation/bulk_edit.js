/* Bulk edit: show the input for a value of the chosen field. Without this script, a button does so. */
"use strict";

addEventListener("change", (event) => {
    if (event.target.id === "id_field") event.target.form.requestSubmit(document.getElementById("bulk-next"));
});
